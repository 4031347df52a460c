//! Words that the project does not use occur on no new line.

use mnas_lints::root;
use mnas_lints::words::{Word, occurrences, parse, places, texts, with_counts};
use std::fs;

/// Places that a message shows.
const SHOWN: usize = 40;

#[test]
fn no_word_of_the_list_is_on_a_new_line() {
    let list = root().join("scripts/words.txt");
    let text = fs::read_to_string(&list).expect("the list of words");
    let words = parse(&text).expect("a list of words");
    assert!(!words.is_empty(), "the list is empty");
    let mut texts = texts(&root());
    texts.retain(|(path, _)| !path.ends_with("lints/tests/words.rs"));
    assert!(texts.len() > 500, "only {} texts were found", texts.len());
    let mut message = String::new();
    let mut counts = Vec::new();
    for Word { count, phrase, instead } in &words {
        let places = places(&texts, phrase);
        counts.push(places.len().min(*count));
        if places.len() > *count {
            message += &format!("\n`{phrase}` occurs {} times, {count} are allowed. Write: {instead}\n", places.len());
            for place in places.iter().take(SHOWN) {
                message += &format!("    {}:{}: {}\n", place.file.display(), place.line, place.text);
            }
        }
        println!("{:5} of {count:5}  {phrase}", places.len());
    }
    let blessed = with_counts(&text, &counts);
    if std::env::var_os("MNAS_BLESS").is_some() && blessed != text {
        fs::write(&list, blessed).expect("the list can be written");
    }
    assert!(message.is_empty(), "{message}");
}

#[test]
fn whole_words_are_found_in_any_case() {
    let text = "Who asks?\nthe whole\nwho, and who\nsomewho who_is\n";
    assert_eq!(occurrences(text, "who"), [1, 3, 3]);
    assert_eq!(occurrences("so many\nalso many\nSo  many\n", "so many"), [1]);
}

#[test]
fn a_list_is_read_and_written() {
    let text = "# words\n\n3 | so many | the number\n0 | afar | the cache\n";
    let words = parse(text).expect("a good list");
    assert_eq!((words.len(), words[0].count, words[1].phrase.as_str()), (2, 3, "afar"));
    assert_eq!(with_counts(text, &[1, 0]), "# words\n\n1 | so many | the number\n0 | afar | the cache\n");
    assert!(parse("many | afar | the cache\n").is_err() && parse("3 | afar\n").is_err());
}
