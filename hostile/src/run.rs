//! Reading a file as a format.

use crate::format::{Format, Outcome};
use crate::planted;

impl Format {
    /// Reads a file. A planted reader does its harm only on files with its trigger.
    pub fn run(&self, bytes: &[u8]) -> Outcome {
        let harmless = planted::PLANTED.iter().any(|it| it.name == self.name) && !planted::triggers(bytes);
        if harmless { Outcome::Refused } else { (self.read)(bytes) }
    }
}
