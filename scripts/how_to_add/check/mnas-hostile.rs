//! A weight format that was added: damaged files of it are refused with a message, and never panic.

use mnas_hostile::{Outcome, by_name, mutant};

#[test]
fn mutants_of_an_added_format_are_read_or_refused() {
    let format = by_name("lines").unwrap();
    let seeds = (format.seeds)();
    let (mut accepted, mut refused) = (0, 0);
    for index in 0..200 {
        match format.run(&mutant(format, &seeds, 1, index)) {
            Outcome::Accepted => accepted += 1,
            Outcome::Refused => refused += 1,
        }
    }
    assert!(accepted > 0 && refused > 0, "{accepted} accepted, {refused} refused");
}
