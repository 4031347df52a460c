//! The name of this machine's processor in schedule files.

use crate::error::{Error, Result};
use std::fs;

/// Name and model of the processor, as Linux reports them.
pub fn name() -> Result<String> {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    of(&text).ok_or_else(|| {
        Error::system("this system does not report its processor")
            .hint("name it with `--cpu NAME`, where NAME consists of letters, digits, `.`, `_` and `-`")
    })
}

/// `intel-xeon-6-143-8`: the distinguishing words of the name, then family, model and stepping.
fn of(cpuinfo: &str) -> Option<String> {
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        Some(line.split_once(':')?.1.trim().to_lowercase())
    };
    let model_name = field("model name")?;
    let words = model_name.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    let is_word = |word: &&str| !word.is_empty() && !["r", "tm", "cpu", "processor"].contains(word);
    let mut parts: Vec<String> =
        words.take_while(|word| !word.ends_with("ghz")).filter(is_word).map(String::from).collect();
    parts.extend(["cpu family", "model", "stepping"].iter().filter_map(|name| field(name)));
    Some(parts.join("-")).filter(|name| mnas_codegen::tuned::ScheduleFile::is_name(name))
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn names_tell_processors_apart() {
        let intel = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Intel(R) Xeon(R) \
                     Platinum 8481C CPU @ 2.70GHz\nstepping\t: 8\n";
        assert_eq!(of(intel).as_deref(), Some("intel-xeon-platinum-8481c-6-143-8"));
        assert_eq!(of("model name\t: AMD Ryzen 9\ncpu family\t: 25\n").as_deref(), Some("amd-ryzen-9-25"));
        assert_eq!(of("processor : 0\n"), None);
    }
}
