//! `train`, and searches that train.

use crate::folder::Folder;

const NET: &str = "\
name: small
input: 8x8x1
preprocess: {mean: 0.3, std: 0.38, resize: 8}
stem: {op: conv, kernel: 3, filters: 8}
blocks:
  - {op: sepconv, kernel: 3, stride: 2, filters: 16}
head: {filters: 32, classes: 10}
";

#[cfg(not(feature = "train"))]
#[test]
fn without_the_feature_the_command_says_how_to_get_it() {
    let folder = Folder::new("train_absent");
    folder.write("net.yaml", NET);
    folder.mnasc(&["train", "net.yaml", "--data", "digits"]).failed(2, &["without training", "--features train"]);
}

#[cfg(feature = "train")]
mod trains {
    use super::*;
    use image::{ImageBuffer, Luma};
    use std::fs;

    #[test]
    fn digits_are_learnt_and_the_weights_compile() {
        let folder = Folder::new("train_digits");
        folder.write("net.yaml", NET);
        let train =
            ["train", "net.yaml", "--data", "digits", "--epochs", "5", "--seed", "1", "--out", "net.safetensors"];
        let said = folder.mnasc(&train).done();
        assert!(said.out.contains("held out: ") && said.out.contains("test: "), "{}", said.out);
        assert!(said.err.contains("epoch 5 of 5: loss "), "{}", said.err);
        let first = folder.read("net.safetensors");
        folder.mnasc(&["net.yaml", "-o", "net.rs", "--weights", "net.safetensors"]).done();
        let lines = folder.mnasc(&[&train[..], &["--json"]].concat()).done().out;
        assert_eq!(folder.read("net.safetensors"), first);
        let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[4]["epoch"], 5);
        let accuracy = lines[5]["held_out"]["accuracy"].as_f64().unwrap();
        // A random guess has an accuracy of 10 %.
        assert!(accuracy > 0.8, "{accuracy}");
        assert_eq!(lines[4]["accuracy"], accuracy);
        assert_eq!(lines[5]["recipe"]["epochs"], 5);
        let some =
            folder.mnasc(&[&train[..], &["--json", "--pictures", "300", "--held-out", "0.1"]].concat()).done().out;
        let last: serde_json::Value = serde_json::from_str(some.lines().last().unwrap()).unwrap();
        // 144 of the 1,437 training pictures are held out; each class has about its share.
        let count = |what: &str| last[what]["pictures"].as_i64().unwrap();
        assert!((count("train") - 300).abs() <= 5 && (count("held_out") - 144).abs() <= 5, "{last}");
    }

    #[test]
    fn wrong_input_is_an_error() {
        let folder = Folder::new("train_wrong");
        folder.write("net.yaml", NET);
        let train = |options: &[&str]| folder.mnasc(&[&["train", "net.yaml"], options].concat());
        train(&["--data", "nowhere"]).failed(2, &["`nowhere` is no folder", "`digits`"]);
        fs::create_dir(folder.path("empty")).unwrap();
        train(&["--data", "empty"]).failed(2, &["no data set that is known"]);
        train(&["--data", "digits", "--out", "none/x.safetensors"]).failed(3, &["its folder is not there"]);
        train(&["--data", "digits", "--out", "empty"]).failed(3, &["it is a folder"]);
        train(&["--data", "digits", "--lr", "0"]).failed(2, &["`learning_rate` is above 0"]);
        train(&["--data", "digits", "--held-out", "1"]).failed(2, &["`--held-out 1`"]);
        folder.write("recipe.json", "{\"epochs\": 1,\n \"batsh\": 2}");
        train(&["--data", "digits", "--recipe", "recipe.json"]).failed(2, &["recipe.json", "`batsh`", "line 2"]);
        folder.write("plain.yaml", NET.replace("preprocess", "# preprocess"));
        folder.mnasc(&["train", "plain.yaml", "--data", "digits"]).failed(2, &["`preprocess`"]);
        folder.write("few.yaml", NET.replace("classes: 10", "classes: 9"));
        folder.mnasc(&["train", "few.yaml", "--data", "digits"]).failed(2, &["the network has 9 classes"]);
    }

    #[test]
    fn unknown_and_missing_devices_are_errors() {
        let folder = Folder::new("train_device");
        folder.write("net.yaml", NET);
        let train = |device: &str| {
            folder.mnasc(&["train", "net.yaml", "--data", "digits", "--epochs", "1", "--train-on", device])
        };
        train("cpu").done();
        train("gpu").failed(2, &["`--train-on gpu` is not a device", "cpu, wgpu, vulkan, metal, cuda, rocm"]);
        train("cuda:x").failed(2, &["`x` is not a device number"]);
        train("cpu:1").failed(3, &["there is no device `cpu:1`", "0: the processor"]);
        // Tests are built without this feature.
        if cfg!(not(feature = "rocm")) {
            train("rocm").failed(2, &["devices of `rocm` are not built in", "--features rocm"]);
        }
        folder.write("space.yaml", NET.replace("filters: 16", "filters: {choose: [8, 12]}"));
        let search = ["search", "space.yaml", "--study", "s.study", "--synthetic", "--trials", "2"];
        folder
            .mnasc(&[&search[..], &["--train-on", "cpu"]].concat())
            .failed(2, &["mnasc trains nothing here", "`--train-on`"]);
    }

    /// Skipped without a driver, unless `CI` is set.
    #[cfg(feature = "wgpu")]
    #[test]
    fn gpus_train_and_searches_continue_on_their_device() {
        use mnas_train::device::{Backend, DeviceName};
        if let Err(error) = DeviceName::from(Backend::Wgpu).open() {
            assert!(std::env::var_os("CI").is_none(), "{error}");
            eprintln!("skipped: {error}");
            return;
        }
        let folder = Folder::new("train_gpu");
        folder.write("net.yaml", NET);
        let train = |device: &str| {
            let out = format!("{}.safetensors", device.replace(':', ""));
            let train = ["train", "net.yaml", "--data", "digits", "--epochs", "2", "--train-on", device, "--out", &out];
            (folder.mnasc(&train).done(), folder.read(&out))
        };
        let (said, usual) = train("wgpu");
        assert!(said.err.contains("training on wgpu: "), "{}", said.err);
        assert_ne!(usual, train("cpu").1);
        folder
            .mnasc(&["train", "net.yaml", "--data", "digits", "--train-on", "wgpu:99"])
            .failed(3, &["wgpu:99", "0: "]);
        folder.write("space.yaml", NET.replace("filters: 16", "filters: {choose: [8, 12, 16, 20]}"));
        let search = |options: &[&str]| {
            let search = ["search", "space.yaml", "--study", "s.study", "--epochs", "1", "--no-ranking"];
            folder.mnasc(&[&search[..], options].concat())
        };
        search(&["--data", "digits", "--held-out", "0"]).failed(2, &["leaves none to evaluate networks on"]);
        search(&["--data", "digits", "--held-out", "0.9999"]).failed(2, &["fewer than two to train on"]);
        folder.write(
            "five.yaml",
            NET.replace("filters: 16", "filters: {choose: [8, 12]}").replace("classes: 10", "classes: 5"),
        );
        folder
            .mnasc(&["search", "five.yaml", "--study", "s.study", "--data", "digits"])
            .failed(2, &["have 5 classes, but the data has the label 9", "classes: 10"]);
        let all = ["train", "net.yaml", "--data", "digits", "--epochs", "1", "--held-out", "0"];
        let all = folder.mnasc(&all).done();
        assert!(!all.err.contains("% held out") && !all.out.contains("held out:"), "{}{}", all.err, all.out);
        search(&["--data", "digits", "--train-on", "wgpu", "--trials", "1"]).done();
        let settings = folder.mnasc(&["study", "list", "s.study", "--json"]).done().json()["settings"].clone();
        assert!(settings["evaluator"].as_str().unwrap().contains("\"backend\":\"wgpu\""), "{settings}");
        search(&["--resume", "--data", "digits", "--train-on", "cpu", "--trials", "2"])
            .failed(2, &["another evaluator"]);
        let went_on = search(&["--resume", "--trials", "2"]).done();
        assert!(went_on.err.contains("training on wgpu: "), "{}", went_on.err);
        // The best network is trained again with the accuracy of its trial; otherwise a message would say so.
        let best = folder.mnasc(&["study", "best", "s.study", "--to", "found"]).done();
        assert!(!best.err.contains("another machine or version"), "{}", best.err);
    }

    #[test]
    fn folders_of_pictures_are_read_and_unreadable_ones_named() {
        let folder = Folder::new("train_pictures");
        folder.write("net.yaml", NET.replace("classes: 10", "classes: 2"));
        for (class, light) in [("dark", 20_u8), ("light", 200)] {
            fs::create_dir_all(folder.path(&format!("data/{class}"))).unwrap();
            for number in 0..20 {
                let picture = ImageBuffer::from_fn(12, 10, |x, y| Luma([light + (x as u8 * y as u8 + number) % 30]));
                picture.save(folder.path(&format!("data/{class}/{number}.png"))).unwrap();
            }
        }
        folder.write("data/light/notes.txt", "");
        let train = ["train", "net.yaml", "--data", "data", "--batch", "4", "--epochs", "4", "--json"];
        let said = folder.mnasc(&train).done();
        let last: serde_json::Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
        assert_eq!((&last["test"]["pictures"], &last["test"]["accuracy"]), (&8.into(), &1.0.into()), "{last}");
        assert!(said.err.contains("1 files are no PNG or JPEG"), "{}", said.err);
        folder.write("data/dark/3.png", "no picture");
        folder.write("data/light/5.png", "no picture");
        folder.mnasc(&train).failed(2, &["data/dark/3.png", "data/light/5.png"]);
    }

    #[test]
    fn a_search_without_options_uses_the_defaults_of_the_space() {
        let folder = Folder::new("train_usual");
        let space = NET.replace("filters: 16", "filters: {choose: [8, 12, 16, 20]}");
        folder.write("space.yaml", format!("{space}search: {{data: digits, epochs: 2, trials: 2}}\n"));
        folder.mnasc(&["search", "space.yaml"]).done();
        let study = folder.mnasc(&["study", "list", "small.study", "--json"]).done().json();
        assert_eq!((study["trials"].as_array().unwrap().len(), &study["settings"]["budget"]["epochs"]), (2, &2.into()));
        // The space's target applies to the reward of an option, too.
        folder.write("aimed.yaml", format!("{space}search: {{data: digits, target: 50us, epochs: 1, trials: 1}}\n"));
        folder.mnasc(&["search", "aimed.yaml", "--study", "aimed.study", "--reward", "hard", "--no-ranking"]).done();
        let aimed = folder.mnasc(&["study", "list", "aimed.study", "--json"]).done().json();
        assert_eq!(aimed["settings"]["reward"]["weighted"]["target"]["ms"], 0.05, "{aimed}");
        // Baselines are files in the space's folder.
        folder.write("beside.yaml", NET.replace("name: small", "name: beside"));
        let with = |name: &str| format!("{space}search: {{data: digits, epochs: 1, trials: 1, baselines: [{name}]}}\n");
        folder.write("compared.yaml", with("beside.yaml"));
        let options = ["--study", "compared.study", "--no-ranking"];
        let said = folder.mnasc(&[&["search", "compared.yaml"], &options[..]].concat()).done();
        assert!(said.err.contains("beside: accuracy 0."), "{}", said.err);
        let page = folder.mnasc(&["report", "compared.study", "-o", "-"]).done().out;
        assert!(page.contains("<td>beside<") && page.contains("trained and timed as its trials"));
        for outside in ["../beside.yaml", "/beside.yaml", "./../x.yaml"] {
            folder.write("outside.yaml", with(outside));
            folder.mnasc(&["search", "outside.yaml", "--study", "o.study"]).failed(2, &[outside, "not in its folder"]);
        }
        // An option that repeats a default of the space leaves the space's other defaults in place.
        folder.mnasc(&["search", "space.yaml", "--data", "digits", "--study", "same.study", "--no-ranking"]).done();
        let same = folder.mnasc(&["study", "list", "same.study", "--json"]).done().json();
        assert_eq!((same["trials"].as_array().unwrap().len(), &same["settings"]["budget"]["epochs"]), (2, &2.into()));
        let weights = ["--weights", "small_found/best.safetensors"];
        folder
            .mnasc(&[&["small_found/best.yaml", "-o", "small_found/best.rs", "--check"], &weights[..]].concat())
            .done();
    }

    #[test]
    fn searches_train_and_continue_with_the_same_data_and_recipe() {
        let folder = Folder::new("train_search");
        folder.write("space.yaml", NET.replace("filters: 16", "filters: {choose: [8, 12, 16, 20]}"));
        folder.write("recipe.json", "{\"shift\": 1}");
        let search = ["search", "space.yaml", "--study", "s.study", "--epochs", "1"];
        let data = ["--data", "digits"];
        let search = |options: &[&str]| folder.mnasc(&[&search[..], options].concat());
        search(&[&data[..], &["--recipe", "recipe.json", "--trials", "2"]].concat()).done();
        // What is not said again is as it was.
        search(&["--resume", "--trials", "3"]).done();
        search(&["--resume", "--trials", "4", "--data", "digits", "--held-out", "0.5"])
            .failed(2, &["another evaluator"]);
        let trials = folder.mnasc(&["study", "list", "s.study", "--json"]).done().json()["trials"].clone();
        assert_eq!(trials.as_array().unwrap().len(), 3);
        assert!(trials[2]["accuracy"].as_f64().is_some(), "{trials}");
        // The weights of the best, trained again: they compile, and nothing says that they are others.
        let best = folder.mnasc(&["study", "best", "s.study", "--to", "found", "--json"]).done();
        assert!(!best.err.contains("another machine"), "{}", best.err);
        let spec = best.json()["paths"][0].as_str().unwrap().to_owned();
        let weights = spec.replace(".yaml", ".safetensors");
        folder.mnasc(&[&spec, "-o", "best.rs", "--weights", &weights]).done();
    }
}
