//! How a program is started that is not for this machine, or not to be measured on it: a command, as cargo's `runner`.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// What stands for the program's path.
const PROGRAM: &str = "{}";

/// Starts of the names of programs that pretend to be another processor.
const EMULATORS: [&str; 4] = ["qemu", "wine", "valgrind", "box64"];

/// A command with a place for a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// As it was given.
    text: String,
    words: Vec<String>,
}

impl std::str::FromStr for Runner {
    type Err = String;

    /// Words as a shell has them: quotes keep blanks, a backslash keeps what follows. Nothing else is special.
    fn from_str(text: &str) -> Result<Self, String> {
        let words = words(text)?;
        match words.first() {
            None => Err("it is empty; `ssh board {}` or `qemu-aarch64 {}` would be commands".to_owned()),
            Some(first) if first.is_empty() => Err("its first word is empty".to_owned()),
            Some(_) => Ok(Runner { text: text.to_owned(), words }),
        }
    }
}

impl Runner {
    /// As it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The command that runs `program`: its path stands for each `{}`, and at the end if there is no `{}`. The program is
    /// its standard input as well, for devices that have no files of this machine.
    pub fn command(&self, program: &Path) -> io::Result<Command> {
        let path = program.to_string_lossy();
        let mut words = self.words.iter().map(|word| word.replace(PROGRAM, &path));
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        if !self.words.iter().any(|word| word.contains(PROGRAM)) {
            command.arg(program);
        }
        command.stdin(Stdio::from(File::open(program)?));
        Ok(command)
    }

    /// Whether it starts a program that is known to pretend: its times mean nothing.
    pub fn is_emulator(&self) -> bool {
        self.words.iter().any(|word| {
            let name = Path::new(word).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            EMULATORS.iter().any(|emulator| name.starts_with(emulator))
        })
    }
}

fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        None => return Err(format!("there is no second {c}")),
                        Some(end) if end == c => break,
                        // As in a shell: within double quotes a backslash keeps a quote or another backslash.
                        Some('\\') if c == '"' => match chars.next() {
                            Some(kept @ ('"' | '\\')) => word.push(kept),
                            Some(other) => word.extend(['\\', other]),
                            None => return Err(format!("there is no second {c}")),
                        },
                        Some(other) => word.push(other),
                    }
                }
            }
            '\\' => {
                let kept = chars.next().ok_or("nothing follows the backslash at its end")?;
                word.get_or_insert_default().push(kept);
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    fn arguments(template: &str, program: &Path) -> Vec<String> {
        let command = template.parse::<Runner>().unwrap().command(program).unwrap();
        let words = [command.get_program()].into_iter().chain(command.get_args());
        words.map(OsStr::to_string_lossy).map(String::from).collect()
    }

    #[test]
    fn the_program_is_put_where_the_braces_are_as_one_word() {
        let folder = std::env::temp_dir().join(format!("mnasc runner {}; $(x)", mnas_files::unique()));
        std::fs::create_dir(&folder).unwrap();
        let program = folder.join("it's a program");
        std::fs::write(&program, "").unwrap();
        let path = program.to_str().unwrap();
        let cases: [(&str, &[&str]); 6] = [
            ("ssh board {}", &["ssh", "board", path]),
            ("qemu-aarch64 -L /usr/aarch64", &["qemu-aarch64", "-L", "/usr/aarch64", path]),
            ("  run\t'two words'  \"a \\\"b\\\" \\c\" ''", &["run", "two words", "a \"b\" \\c", "", path]),
            (r"with\ blank {} {}", &["with blank", path, path]),
            (
                "sh -c 'scp -q \"$0\" board:m && ssh board ./m' {}",
                &["sh", "-c", "scp -q \"$0\" board:m && ssh board ./m", path],
            ),
            ("to=board:{} --", &[&format!("to=board:{path}"), "--"]),
        ];
        for (template, expected) in cases {
            assert_eq!(arguments(template, &program), expected, "{template}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn invalid_commands_are_refused() {
        for (text, expected) in [
            ("", "empty"),
            ("   ", "empty"),
            ("ssh 'board", "no second '"),
            ("ssh \"board\\", "no second \""),
            ("ssh board\\", "backslash"),
            ("'' {}", "first word"),
        ] {
            let error = text.parse::<Runner>().unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn emulators_are_known() {
        for (text, expected) in [
            ("qemu-aarch64 {}", true),
            ("env -u X /usr/bin/qemu-aarch64-static -L y {}", true),
            ("ssh board {}", false),
        ] {
            assert_eq!(text.parse::<Runner>().unwrap().is_emulator(), expected, "{text}");
        }
    }
}
