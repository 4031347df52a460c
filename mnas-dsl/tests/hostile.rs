//! Input that means harm, and input that is only broken: refused or reported, never a panic, never slow.

mod common;

use std::time::{Duration, Instant};

use common::{SHIPPED, load};
use mnas_dsl::{MacroSource, Space, block_string, load_yaml, parse_tokens};

/// The message of a text that has to be refused, within a second.
fn refused(text: &str) -> String {
    let start = Instant::now();
    let mistakes = load_yaml(text, "hostile.yaml").err().unwrap_or_default();
    assert!(!mistakes.is_empty());
    // Drawing counts as well; 10 seconds is far off for a slow machine, and nothing next to a bomb.
    let drawn = mistakes.to_string();
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
    assert!(drawn.len() < 200_000, "{} bytes of messages", drawn.len());
    drawn
}

#[test]
fn a_file_of_100_mb_is_refused_unread() {
    let text = "a".repeat(100_000_000);
    assert_eq!(
        refused(&text),
        "error: the file has 100000000 bytes, a spec at most 1048576\n --> hostile.yaml\n  \
         = help: expected a spec; this looks like weights or data\n\n"
    );
}

#[test]
fn a_choice_of_99_000_values_is_refused() {
    let numbers: Vec<String> = (1..=99_000).map(|number| number.to_string()).collect();
    let text = |values: &str| {
        format!(
            "name: net\ninput: 8x8x1\nblocks: [{{op: conv, kernel: 3, filters: {{choose: [{values}]}}}}]\nhead: none\n"
        )
    };
    for (values, words) in [(numbers.join(","), "99000 alternatives in a file"), ("1,".repeat(99_000), "`1` twice")] {
        let start = Instant::now();
        let drawn = Space::parse(&text(&values), "space.yaml").unwrap_err().to_string();
        assert!(drawn.contains(words), "{}", &drawn[..drawn.len().min(1000)]);
        assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
        refused(&text(&values));
    }
}

#[test]
fn nesting_of_100_000_is_refused() {
    for open in ["[", "{a: ", "- "] {
        let drawn = refused(&open.repeat(100_000));
        assert!(drawn.contains("nested too deeply"), "{drawn}");
    }
    let drawn = refused(&format!("name: {}{}", "[".repeat(100_000), "]".repeat(100_000)));
    assert!(drawn.contains("nested too deeply"), "{drawn}");
    assert!(
        drawn.starts_with("error: nested too deeply, too large, or aliases repeated too often\n --> hostile.yaml:1:"),
        "{drawn}"
    );
}

#[test]
fn alias_bombs_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..14 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(", ")));
    }
    let drawn = refused(&text);
    assert!(drawn.contains("aliases repeated too often"), "{drawn}");
}

#[test]
fn many_mistakes_are_counted_not_drawn() {
    let text = format!("name: net\nblocks: [{}]\n", "{x: 1},".repeat(10_000));
    assert!(refused(&text).ends_with("further mistakes are not shown\n"));
    let text = format!("{{{}}}", "a,".repeat(50_000));
    refused(&text);
    refused(&"k".repeat(1_000_000));
    refused(&format!("name: {}", "\u{e9}".repeat(500_000)));
}

#[test]
fn token_nesting_is_no_danger() {
    let text = format!("pub struct A<1 x 1 x 1> {{ {}{} }}", "[".repeat(5_000), "]".repeat(5_000));
    let stream = text.parse().unwrap_or_else(|error| panic!("{error}"));
    assert!(parse_tokens(stream).is_err());
    for open in ["[", "choose["] {
        let text = format!("pub struct A<1 x 1 x 1> {{ padding {}{}; }}", open.repeat(5_000), "]".repeat(5_000));
        let stream = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert!(parse_tokens(stream).is_err());
    }
}

/// xorshift64*, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap_or(0) % bound.max(1)
    }
}

const PIECES: [&str; 36] = [
    "0",
    "9",
    "-",
    ".",
    "e9",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    "\t",
    " ",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "!!int ",
    "null",
    "<<",
    "\u{e9}",
    "\u{0}",
    "choose",
    "none",
    "stride",
    "1e309",
    ".nan",
    "x",
    "_",
    "65536",
    "skip: pool, ",
    "layers: 100, ",
    "|",
    "99999999999999999999",
];

/// One to four edits: a piece put in, a character or a line taken out, doubled or moved.
fn mutate(text: &str, random: &mut Random) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.below(4) {
        let chars: Vec<char> = text.chars().collect();
        let at = random.below(chars.len());
        let piece = PIECES[random.below(PIECES.len())];
        let lines: Vec<&str> = text.lines().collect();
        let line = random.below(lines.len());
        text = match random.below(6) {
            0 => chars[..at].iter().collect::<String>() + piece + &chars[at..].iter().collect::<String>(),
            1 => chars[..at].iter().chain(chars.iter().skip(at + 1)).collect(),
            2 => chars[..at].iter().collect::<String>() + piece + &chars.iter().skip(at + 1).collect::<String>(),
            3 => lines.iter().enumerate().filter(|(it, _)| *it != line).map(|(_, it)| format!("{it}\n")).collect(),
            4 => lines
                .iter()
                .enumerate()
                .flat_map(|(it, text)| vec![format!("{text}\n"); 1 + usize::from(it == line)])
                .collect(),
            _ => {
                let mut lines = lines.clone();
                let other = random.below(lines.len());
                if !lines.is_empty() {
                    lines.swap(line, other);
                }
                lines.iter().map(|it| format!("{it}\n")).collect()
            }
        };
    }
    text
}

/// Counts what went through and what did not, so that a harness that tests nothing is noticed.
#[test]
fn mutated_specs_never_panic() {
    let mut random = Random(0x6d6e_6173);
    let (mut good, mut bad) = (0, 0);
    for round in 0..4000 {
        let text = mutate(&load(SHIPPED[round % SHIPPED.len()]), &mut random);
        match load_yaml(&text, "mutated.yaml") {
            Ok((spec, network)) => {
                good += 1;
                let _ = (network.parameters(), network.macs());
                let printed = spec.to_yaml();
                let again =
                    mnas_dsl::parse_yaml(&printed, "printed.yaml").unwrap_or_else(|it| panic!("{it}\n{printed}"));
                assert_eq!(again, spec, "{printed}");
                let printed = spec.to_tokens();
                match parse_tokens(printed.parse().unwrap_or_else(|it| panic!("{it}\n{printed}"))).map(|it| it.source) {
                    Ok(MacroSource::Inline(again)) => assert_eq!(*again, spec, "{printed}"),
                    other => panic!("{other:?}\n{printed}"),
                }
            }
            Err(mistakes) => {
                bad += 1;
                assert!(!mistakes.is_empty());
                let _ = (mistakes.render(true), mistakes.to_string());
            }
        }
    }
    assert!(good > 200 && bad > 1000, "{good} went through, {bad} did not");
}

#[test]
fn mutated_tokens_never_panic() {
    let mut random = Random(0x746f_6b65);
    let (mut good, mut bad) = (0, 0);
    let texts = SHIPPED.map(|name| match mnas_dsl::parse_yaml(&load(name), "spec.yaml") {
        Ok(spec) => spec.to_tokens(),
        Err(mistakes) => panic!("{mistakes}"),
    });
    for round in 0..3000 {
        let text = mutate(&texts[round % texts.len()], &mut random);
        // What does not lex never reaches a macro.
        let Ok(stream) = text.parse::<proc_macro2::TokenStream>() else {
            continue;
        };
        let result = parse_tokens(stream.clone()).and_then(|input| match input.source {
            MacroSource::Inline(spec) => spec.resolve().map(drop),
            MacroSource::File { .. } => Ok(()),
        });
        match result {
            Ok(()) => good += 1,
            Err(mistakes) => {
                bad += 1;
                let first = mistakes.iter().next();
                assert!(first.is_some_and(|it| it.token_span(&stream).is_some()));
                assert!(!mistakes.to_compile_errors(&stream).is_empty());
            }
        }
    }
    assert!(good > 200 && bad > 500, "{good} went through, {bad} did not");
}

#[test]
fn mutated_block_strings_never_panic() {
    let mut random = Random(0x626c_6f63);
    for text in ["ir_r3_k5_s2_e3_c40_se0.25_nre_noskip", "r3_k5_s22_e3_i24_o40_se0.25_noskip"] {
        for _ in 0..2000 {
            let text = mutate(text, &mut random);
            match block_string::parse(&text) {
                Ok(block) => {
                    let printed = block_string::to_timm(&block).or_else(|| block_string::to_tensorflow(&block, 1));
                    assert!(printed.is_some(), "{text}");
                }
                Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
            }
        }
    }
}
