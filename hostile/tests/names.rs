//! 200 names and texts that mean harm, in every place where a user can name something: what is generated parses, and is,
//! token by token, what a harmless name gives with that name in its place; or there is an error, which no terminal obeys.

use mnas_codegen::compile::{Item, Options, compile};
use mnas_codegen::machine;
use mnas_codegen::weights::{self, WeightTensor, Weights};
use mnas_dsl::names::camel_case;
use mnas_dsl::{MacroSource, load_yaml, parse_tokens};
use mnas_hostile::format::moves;
use proc_macro2::{Literal, TokenStream, TokenTree};
use std::collections::BTreeSet;

/// A harmless name, whose letters stand nowhere else.
const NAME: &str = "zqzq";

fn hostile() -> Vec<String> {
    let words = "as break const continue crate else enum extern false fn for if impl in let loop match mod move mut pub ref \
        return self Self static struct super trait true type unsafe use where while async await dyn abstract become box do \
        final macro override priv typeof unsized virtual yield try gen union auto raw safe default std core alloc main \
        mnas_runtime u8 usize f32 bool str Option Some None Result Ok Err Vec drop include_bytes asm macro_rules con nul aux \
        zqzq_kernels null yes no on off";
    let others = [
        "",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\0",
        "a\0b",
        "a b",
        "a-b",
        "a.b",
        "a/b",
        "a\\b",
        "../a",
        "../../../../etc/passwd",
        "/etc/passwd",
        "C:\\x",
        "C:/x",
        "\\\\server\\share",
        "~/x",
        "$HOME",
        "${HOME}",
        "$(id)",
        "`id`",
        "%PATH%",
        "|id",
        ";id",
        "&& id",
        "> /tmp/x",
        "-rf",
        "--help",
        "\"",
        "'",
        "\\",
        "\\\"",
        "\"#",
        "\"##",
        "r#\"",
        "\"; fn evil() {} //",
        "\"))] pub fn evil() {} #[doc = ((\"",
        "*/",
        "/*",
        "*/ fn evil() {} /*",
        "//",
        "///",
        "//!",
        "#!",
        "#![no_std]",
        "#[test]",
        "]",
        "}",
        "{",
        "{}",
        "{{",
        "}}",
        "{0}",
        "{name}",
        "{:?}",
        "%s",
        "%n",
        "$crate",
        "$x",
        "r#type",
        "r#fn",
        "'a",
        "'static",
        "_",
        "__",
        "a__b",
        "_a",
        "a_",
        "1",
        "1a",
        "-1",
        "1e9",
        "0x10",
        "3.5",
        "A",
        "aB",
        "AB",
        "\u{e9}",
        "na\u{ef}ve",
        "\u{4e2d}\u{6587}",
        "\u{1f600}",
        "\u{202e}evil",
        "a\u{202e}b",
        "\u{2066}a\u{2069}",
        "\u{200b}",
        "a\u{200b}b",
        "\u{feff}a",
        "\u{ad}",
        "\u{301}",
        "e\u{301}",
        "\u{10ffff}",
        "\u{fffd}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{1b}[31mred",
        "\u{1b}[2J",
        "\u{1b}]0;title\u{7}",
        "\u{7}",
        "\u{8}\u{8}\u{8}",
        "\u{7f}",
        "\r",
        "a\rb",
        "a\nb",
        "a\n/// b\nfn evil() {}",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "&lt;",
        "&#0;",
        "]]>",
        "<!--",
        "-->",
        "\" onload=\"x",
        "'; DROP TABLE x; --",
        "!!python/object/apply:os.system",
        "&anchor",
        "*alias",
        "<<",
        "? x",
        "- x",
        "# x",
        "a: b",
        "a, b",
        "[a",
        "@a",
        "`a",
        "!tag",
        "---",
        "...",
        "~",
        "NaN",
        ".inf",
        "\\u0041",
        "\\x41",
        "\\n",
        "\u{430}\u{435}",
        "\u{3b1}",
        "\u{212a}",
    ];
    let mut all: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    all.extend(others.map(str::to_owned));
    all.extend(["a".repeat(10_000), "\"".repeat(3000), "{".repeat(3000), "a_".repeat(3000), "\u{1f600}".repeat(2000)]);
    let different: BTreeSet<&String> = all.iter().collect();
    assert_eq!(different.len(), all.len(), "a name is there twice");
    assert!(all.len() >= 200, "{} names", all.len());
    all
}

/// A token: texts by what they say, since the same text can be written in many ways.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    Other(String),
}

/// The tokens of a file, which has to be Rust.
fn tokens(file: &str) -> Result<Vec<Token>, String> {
    syn::parse_file(file).map_err(|error| format!("it is no Rust: {error}"))?;
    let stream: TokenStream = file.parse().map_err(|error| format!("it is no Rust: {error}"))?;
    let mut out = Vec::new();
    walk(stream, &mut out);
    Ok(out)
}

fn walk(stream: TokenStream, out: &mut Vec<Token>) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                out.push(Token::Other(format!("{:?}", group.delimiter())));
                walk(group.stream(), out);
                // Which a list has where it takes several lines.
                if out.last() == Some(&Token::Other(",".to_owned())) {
                    out.pop();
                }
                out.push(Token::Other("end".to_owned()));
            }
            TokenTree::Literal(literal) => out.push(match syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                Ok(text) => Token::Text(text.value()),
                Err(_) => Token::Other(literal.to_string()),
            }),
            other => out.push(Token::Other(other.to_string())),
        }
    }
}

/// The tokens of a file with another word in place of one.
fn with(tokens: &[Token], from: &str, to: &str) -> Vec<Token> {
    let replaced = |token: &Token| match token {
        Token::Text(text) => Token::Text(text.replace(from, to)),
        Token::Other(text) => Token::Other(text.replace(from, to)),
    };
    tokens.iter().map(replaced).collect()
}

fn options() -> Options {
    Options { isas: vec![machine::SCALAR], ..Options::default() }
}

const REST: &str = "
input: 8x8x3
stem: {op: conv, kernel: 3, stride: 2, filters: 4}
blocks:
  - {op: sepconv, kernel: 3, filters: 4}
head: {classes: 3}
";

/// The generated file of a spec, or the words of its refusal.
fn generate(yaml: &str, weights_file: Option<&str>) -> Result<String, String> {
    let (spec, network) = load_yaml(yaml, "spec.yaml").map_err(|mistakes| mistakes.to_string())?;
    let weights = weights_file.map(|_| weights::random(&network, 1));
    let compiled = compile(&spec, &network, weights.as_ref(), &options()).map_err(|error| error.to_string())?;
    compiled.text(weights_file.unwrap_or("")).map_err(|error| panic!("no Rust: {error}"))
}

/// A text as YAML's quotes have it, so that it arrives as it is.
fn quoted(text: &str) -> String {
    let letter = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_ascii_graphic() || c == ' ' => c.to_string(),
        c => format!("\\U{:08x}", u32::from(c)),
    };
    format!("\"{}\"", text.chars().map(letter).collect::<String>())
}

/// Words are for people: not endless, and nothing in them moves a cursor or turns the direction of writing.
fn harmless(words: &str, of: &str) {
    assert!(!words.trim().is_empty(), "{of:?} is refused without a word");
    assert!(words.len() < 100_000, "{} bytes of words for {} bytes", words.len(), of.len());
    assert!(!words.contains(moves), "{of:?} is refused with {words:?}");
}

/// What is generated has to be what the harmless name gives, but for the name.
fn same(found: &str, expected: &[Token], of: &str) {
    let found = tokens(found).unwrap_or_else(|error| panic!("{of:?}: {error}"));
    let different = found.iter().zip(expected).find(|(a, b)| a != b);
    assert!(different.is_none() && found.len() == expected.len(), "{of:?}: {different:?}");
}

#[test]
fn names_of_networks() {
    let plain = tokens(&generate(&format!("name: {NAME}{REST}"), None).expect("a good spec")).expect("Rust");
    let mut good = 0;
    for name in hostile() {
        for written in [quoted(&name), name.clone()] {
            match generate(&format!("name: {written}{REST}"), None) {
                Ok(text) => {
                    good += 1;
                    // As it is written without quotes YAML may end it before a comment.
                    let (_, network) = load_yaml(&format!("name: {written}{REST}"), "").expect("as before");
                    let expected = with(&plain, NAME, &network.name);
                    same(&text, &with(&expected, &camel_case(NAME), &camel_case(&network.name)), &name);
                }
                Err(words) => harmless(&words, &name),
            }
        }
    }
    assert!((20..200).contains(&good), "{good} names were good");
}

#[test]
fn labels_block_strings_and_words() {
    let spec = |labels: &str| format!("name: {NAME}\nlabels: {labels}{REST}");
    let plain = tokens(&generate(&spec("imagenet.txt"), None).expect("a good spec")).expect("Rust");
    let mut good = 0;
    for text in hostile() {
        let text = &text;
        for written in [quoted(text), text.clone()] {
            match generate(&spec(&written), None) {
                // Labels are of no concern to the code.
                Ok(file) => same(&file, &plain, text),
                Err(words) => harmless(&words, text),
            }
            // In place of words and numbers, of keys, and of whole blocks.
            for yaml in [
                format!("name: {NAME}{}", REST.replace("sepconv", &written)),
                format!("name: {NAME}{}", REST.replace("kernel: 3, filters", &format!("{written}: 3, filters"))),
                format!("name: {NAME}{}", REST.replace("{op: sepconv, kernel: 3, filters: 4}", &written)),
                format!("name: {NAME}\nactivation: {written}{REST}"),
                format!("name: {NAME}\npadding: {written}{REST}"),
                format!("{written}: 1\nname: {NAME}{REST}"),
                format!("name: {NAME}{}", REST.replace("8x8x3", &written)),
            ] {
                match generate(&yaml, None) {
                    Ok(file) => {
                        good += 1;
                        assert!(tokens(&file).is_ok(), "{text:?}");
                    }
                    Err(words) => harmless(&words, text),
                }
            }
        }
    }
    assert!(good < 500, "{good} of them mean something");
}

/// The path of weights is written into the code, and so is the name of an output beside it.
#[test]
fn paths_of_weights() {
    let yaml = format!("name: {NAME}{REST}");
    let plain = tokens(&generate(&yaml, Some("qzqz.weights")).expect("a good spec")).expect("Rust");
    assert!(plain.contains(&Token::Text("qzqz.weights".to_owned())));
    for path in hostile() {
        let text = generate(&yaml, Some(&path)).expect("any path");
        same(&text, &with(&plain, "qzqz.weights", &path), &path);
    }
}

/// Doc comments, attributes and names of the macro's struct.
#[test]
fn items_of_the_macro() {
    let body = "struct Zqzq<8 x 8 x 3, 3> { stem conv k3 s2 c4; sepconv k3 c4; head; }";
    let expand = |text: &str| -> Option<Result<String, String>> {
        // What is no token never comes to a macro.
        let stream: TokenStream = text.parse().ok()?;
        Some(expanded(stream))
    };
    let documented = |doc: &str| format!("#[doc = {}] pub {body}", Literal::string(doc));
    let plain = expand(&documented("qzqz")).expect("tokens").expect("a good network");
    let plain = tokens(&plain).expect("Rust");
    for text in hostile() {
        let file = expand(&documented(&text)).expect("tokens").expect("any documentation");
        same(&file, &with(&plain, "qzqz", &text), &text);
        for input in [
            format!("/// {text}\npub {body}"),
            format!("/** {text} */ pub {body}"),
            format!("pub {}", body.replace("Zqzq", &text)),
            format!("{text} {body}"),
            format!("pub {body}, weights = {}", Literal::string(&text)),
            format!("pub {body}, isa = {}", Literal::string(&text)),
            format!("pub struct Zqzq = <{}>", Literal::string(&text)),
            format!("pub {}", body.replace("sepconv", &text)),
            format!("pub {}", body.replace("stem", &format!("labels {}; stem", Literal::string(&text)))),
        ] {
            match expand(&input) {
                None => {}
                Some(Ok(file)) => {
                    let found = tokens(&file).unwrap_or_else(|error| panic!("{input:?}: {error}"));
                    // Code of the user's own in front of the struct is theirs; the rest is what it was.
                    assert!(found.len() >= plain.len().saturating_sub(16), "{input:?}");
                }
                Some(Err(words)) => harmless(&words, &text),
            }
        }
    }
}

/// As the macro does it, without its files.
fn expanded(stream: TokenStream) -> Result<String, String> {
    let input = parse_tokens(stream).map_err(|mistakes| mistakes.to_string())?;
    let MacroSource::Inline(spec) = input.source else { return Err("a file".to_owned()) };
    let network = spec.resolve().map_err(|mistakes| mistakes.to_string())?;
    let item = Item { ident: input.ident, visibility: input.vis, attributes: input.attrs };
    let options = Options { item: Some(item), runtime: input.crate_path, ..options() };
    let compiled = compile(&spec, &network, None, &options).map_err(|error| error.to_string())?;
    Ok(compiled.tokens().to_string())
}

/// Names in weight files are untrusted, and messages show them.
#[test]
fn names_of_tensors() {
    let (_, network) = load_yaml(&format!("name: {NAME}{REST}"), "spec.yaml").expect("a good spec");
    for name in hostile() {
        let tensor = WeightTensor { shape: vec![1], data: vec![f32::NAN] };
        let file = weights::safetensors::write(&Weights::from([(name.clone(), tensor)])).expect("proper tensors");
        let error = weights::load(&file, "file", &network).expect_err("not this network's");
        harmless(&error.to_string(), &name);
    }
}

/// Emitters that paste text into code are found out, whether what they write parses or not.
#[test]
fn pasting_is_found_out() {
    let yaml = format!("name: {NAME}{REST}");
    let text = generate(&yaml, Some("qzqz.weights")).expect("a good spec");
    let plain = tokens(&text).expect("Rust");
    let mut pasted = 0;
    for path in hostile() {
        let expected = with(&plain, "qzqz.weights", &path);
        let found = tokens(&text.replace("qzqz.weights", &path));
        pasted += usize::from(found.as_ref() != Ok(&expected));
    }
    assert!(pasted >= 10, "{pasted}");
    let evil = "x\"); fn evil() {} const _: &[u8] = (b\"";
    let written = text.replace("include_bytes!(\"qzqz.weights\")", &format!("{{ (\"{evil}\") }}"));
    assert_ne!(tokens(&written), Ok(with(&plain, "qzqz.weights", evil)));
    assert!(std::panic::catch_unwind(|| harmless("\u{1b}[2J", "x")).is_err());
    assert!(std::panic::catch_unwind(|| harmless("a\u{202e}b", "x")).is_err());
}
