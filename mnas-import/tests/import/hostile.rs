//! Files that mean harm: each is refused in words, beside a control that is not.

use super::import;
use super::proto::{Message, Small, floats, graph, model, node, tensor};
use mnas_import::{Files, Options, external_files};
use std::time::{Duration, Instant};

/// The control's file with one constant exchanged.
fn with_constant(index: usize, constant: Message) -> Vec<u8> {
    let mut small = Small::new();
    small.constants[index] = constant;
    small.bytes()
}

#[track_caller]
fn assert_refused(bytes: &[u8], words: &str) {
    let said = import(bytes).map(|imported| imported.spec.to_yaml()).unwrap_err().to_string();
    assert!(said.contains(words), "not said: {words}\n{said}");
}

#[test]
fn subgraphs_are_not_descended_into() {
    // An If in an If in an If: parsers that recurse leave their stack here.
    let mut nested = graph(3, "y");
    for _ in 0..20_000 {
        // Appending would copy all that is within each time; the lengths are what nests.
        let attribute = Message::default().text(1, "then_branch").varint(20, 5).message(6, &nested);
        nested = Message::default().message(1, &Message::default().text(2, "y").text(4, "If").message(5, &attribute));
        if nested.0.len() > 1 << 20 {
            break;
        }
    }
    let worker = std::thread::Builder::new().stack_size(128 << 10).spawn(move || {
        let mut small = Small::new();
        small.nodes[1] = Message::default()
            .text(1, "a")
            .text(2, "b")
            .text(4, "If")
            .message(5, &Message::default().text(1, "then_branch").varint(20, 5).message(6, &nested));
        assert_refused(&small.bytes(), "node 2 of 8, If that makes `b`: a spec cannot have this operator");
        import(&Small::new().bytes()).unwrap();
    });
    worker.unwrap().join().unwrap();
}

#[test]
fn lengths_beyond_the_file_are_refused() {
    for length in [6, 1 << 20, u32::MAX as u64, 1 << 40, u64::MAX] {
        let mut bytes = Message::default().varint(1, 8).0;
        bytes.push(7 << 3 | 2);
        let mut rest = length;
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes.extend([0; 5]);
        assert_refused(&bytes, &format!("a field of {length} bytes starts here, but only 5 follow"));
    }
    assert_refused(&[0x08], "a number does not end here");
    assert_refused(&[0xff; 32], "a number does not end here");
    // A group, which ONNX does not have.
    assert_refused(&[0x3b, 0x3c], "wire type 3");
    assert_refused(&[], "no graph");
}

#[test]
fn every_shortened_file_is_refused_or_read() {
    let whole = Small::new().bytes();
    let refused = (0..whole.len()).filter(|&length| import(&whole[..length]).is_err()).count();
    // Only what follows the graph may be missing: nothing of it can be.
    assert_eq!(refused, whole.len());
    import(&whole).unwrap();
}

#[test]
fn sizes_that_overflow_are_refused() {
    let huge = 1 << 33;
    for (constant, words) in [
        (tensor("classifier", &[4, huge, huge, huge], 1), "its weight has the shape"),
        (tensor("classifier", &[huge, 16], 1), "the number of classes is 8589934592"),
        (
            tensor("classifier", &[100_000, 16], 1),
            "has the shape [100000, 16], and all constants together have more values",
        ),
        (tensor("classifier", &[u64::MAX, 16], 1), "its weight has the shape [-1, 16]"),
        (tensor("classifier", &[4; 40], 1), "its weight has the shape"),
        (tensor("classifier", &[4, 16], 1), "has 0 bytes of data for 64 values of 4 bytes"),
        (tensor("classifier", &[4, 16], 7), "has elements of type INT64; weights are floats"),
        (tensor("classifier", &[4, 16], 99), "has elements of type 99"),
        (floats("classifier", &[4, 16], &[0.0; 65]), "has 260 bytes of data for 64 values"),
    ] {
        assert_refused(&with_constant(3, constant), words);
    }
    // A height of 2^62 pixels.
    let mut bytes = Small::new().bytes();
    let dims = [0x0a, 2, 8, 16, 0x0a, 2, 8, 16];
    let at = bytes.windows(8).position(|window| window == dims).unwrap();
    bytes[at + 3] = 0;
    assert_refused(&bytes, "give the open sizes");
}

#[test]
fn constants_that_share_their_data_do_not_multiply() {
    // Each convolution reads the same megabyte; two thousand would make two gigabytes.
    let wide = 512;
    let mut shared = graph(wide, "z").message(5, &floats("w", &[wide, wide, 1, 1], &vec![0.0; (wide * wide) as usize]));
    let mut before = "x".to_owned();
    for index in 0..2000 {
        let name = format!("m{index}");
        shared = shared.message(1, &node("Conv", &[&before, "w"], &name, &[]));
        before = name;
    }
    let shared = shared.message(1, &node("Relu", &[&before], "z", &[]));
    assert_refused(&model(&shared), "more");
}

#[test]
fn names_are_shown_in_one_line_and_made_harmless() {
    let mut small = Small::new();
    small.nodes[1] = node("\u{1b}[31mRelu\n", &["a"], "b", &[]);
    let said = import(&small.bytes()).map(|_| ()).unwrap_err().to_string();
    assert!(!said.contains('\u{1b}') && said.contains("\\u{1b}[31mRelu\\n"), "{said}");
    small.nodes[1] = node(&"x".repeat(1 << 16), &["a"], "b", &[]);
    assert!(import(&small.bytes()).map(|_| ()).unwrap_err().to_string().len() < 2000);
}

#[test]
fn many_problems_take_little_time() {
    let mut many = graph(3, "y");
    for index in 0..50_000 {
        many = many.message(1, &Message::default().text(1, &format!("no{index}")).text(2, "y").text(4, "Relu"));
    }
    let bytes = model(&many);
    let started = Instant::now();
    let said = import(&bytes).map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("more are not shown"), "{said}");
    // Quadratic work takes minutes.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

/// A constant whose data is in another file.
fn external(location: &str, offset: &str, length: &str) -> Message {
    let pair = |key: &str, value: &str| Message::default().text(1, key).text(2, value);
    tensor("classifier", &[4, 16], 1)
        .varint(14, 1)
        .message(13, &pair("location", location))
        .message(13, &pair("offset", offset))
        .message(13, &pair("length", length))
}

#[test]
fn external_data_stays_in_the_models_folder() {
    for name in [
        "../weights.bin",
        "/etc/passwd",
        "a/../../b",
        "..",
        ".",
        "",
        "a//b",
        "C:\\x",
        "\\\\host\\share",
        "a\\..\\b",
        "a\0b",
        "file:x",
    ] {
        let bytes = with_constant(3, external(name, "0", "256"));
        let said = external_files(&bytes).unwrap_err().to_string();
        assert!(said.contains("which is no file in the model's folder"), "{name}: {said}");
    }
    let bytes = with_constant(3, external("sub/weights.bin", "16", "256"));
    assert_eq!(external_files(&bytes).unwrap().into_iter().collect::<Vec<_>>(), ["sub/weights.bin"]);
    for name in ["./sub/weights.bin", "././sub/weights.bin"] {
        let bytes = with_constant(3, external(name, "16", "256"));
        assert_eq!(external_files(&bytes).unwrap().into_iter().collect::<Vec<_>>(), ["sub/weights.bin"]);
    }
    for name in ["./", "./../weights.bin", ".//weights.bin", "sub/./weights.bin"] {
        assert!(external_files(&with_constant(3, external(name, "0", "256"))).is_err(), "{name}");
    }

    let options = Options { name: "net".to_owned(), input: None };
    let mut files = Files::new();
    let said = mnas_import::import(&bytes, &files, &options).map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("has its data in `sub/weights.bin`, which was not given"), "{said}");
    files.insert("sub/weights.bin".to_owned(), [0, 0, 0, 63].repeat(68));
    let imported = mnas_import::import(&bytes, &files, &options).unwrap();
    assert_eq!(imported.weights["classifier.weight"].data, [0.5; 64]);

    for (offset, length, words) in [
        ("20", "256", "beyond the end"),
        ("18446744073709551615", "256", "beyond the end"),
        ("-1", "256", "whose offset is `-1`"),
        ("0", "255", "has 255 bytes of data"),
        ("0", "1e3", "whose length is `1e3`"),
    ] {
        let bytes = with_constant(3, external("sub/weights.bin", offset, length));
        let said = mnas_import::import(&bytes, &files, &options).map(|_| ()).unwrap_err().to_string();
        assert!(said.contains(words), "{words}\n{said}");
    }
}
