//! `view`: what the page says, and how it looks in a browser.

use crate::browser::{Expected, find_broken, look};
use crate::folder::Folder;
use serde_json::json;
use std::path::Path;

/// Lines of the plan that name a buffer: `offset floats first..last name`.
fn buffers(folder: &Folder, spec: &str) -> usize {
    let plan = folder.mnasc(&[spec, "--emit", "plan"]).done().out;
    let arena = plan.split_once("\narena:").unwrap().1.split_once("\nweights:").unwrap().0;
    arena.lines().filter(|line| line.contains("..")).count()
}

fn page(folder: &Folder, arguments: &[&str]) -> String {
    let said = folder.mnasc(&[&["view"], arguments, &["-o", "-"]].concat()).done();
    said.out
}

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs").join(name);
    path.into_os_string().into_string().unwrap()
}

/// Stages as they are written, and layers as they are unrolled.
fn lists(repeats: &[usize], ends: &[&str]) -> serde_json::Value {
    let mut stages = vec!["stem".to_owned()];
    let mut layers = stages.clone();
    for (block, repeats) in repeats.iter().enumerate() {
        stages.push(format!("blocks.{block}"));
        layers.extend((0..*repeats).map(|repeat| format!("blocks.{block}.{repeat}")));
    }
    for list in [&mut stages, &mut layers] {
        list.extend(ends.iter().map(|&end| end.to_owned()));
    }
    json!({ "data-stage": stages, "data-of": stages, "data-layer": layers })
}

const ENDS: [&str; 2] = ["head", "classifier"];

/// The largest kernels, a long name, a pooled skip, no head.
const ODD: &str = "\
name: backbone_of_a_rather_long_name_that_goes_on_and_on
input: 33x65x2
stem: {op: conv, kernel: 15, stride: 2, filters: 9}
blocks:
  - {op: mbconv, expand: 2.33, kernel: 7, filters: 9, layers: 3, se: 0.25}
  - {op: sepconv, kernel: 9, stride: 2, filters: 9, skip: pool}
head: none
";

#[test]
fn pages_look_right_in_a_browser() {
    let folder = Folder::new("view-browser");
    let (a1, v2, small) = (shipped("mnasnet_a1.yaml"), shipped("mobilenet_v2.yaml"), shipped("mnasnet_small.yaml"));
    folder.write("tiny.json", PROFILE);
    folder.write("odd.yaml", ODD);
    let edge = shipped("efficientnet_es.yaml");
    let resnet = shipped("resnet50.yaml");
    let arguments: [&[&str]; 7] =
        [&[&a1], &[&v2], &[&small], &["tiny.yaml", "--profile", "tiny.json"], &["odd.yaml"], &[&edge], &[&resnet]];
    let texts = arguments.map(|arguments| page(&folder, arguments));
    let repeats: [&[usize]; 7] = [
        &[1, 2, 3, 4, 2, 3, 1],
        &[1, 2, 3, 4, 3, 3, 1],
        &[1, 1, 2, 4, 3, 3, 1],
        &[1, 1, 1],
        &[3, 1],
        &[1, 2, 4, 5, 4, 2],
        &[1, 3, 4, 6, 3],
    ];
    let expected: Vec<Expected> = (0..7)
        .map(|i| Expected {
            page: &texts[i],
            lists: lists(repeats[i], if i == 4 { &[] } else { &ENDS }),
            buffers: Some(buffers(&folder, arguments[i][0])),
            charts: json!(null),
        })
        .collect();
    let Some(findings) = look(&folder, &expected) else { return };
    assert_eq!(findings, [[""; 0]; 7], "of A1, V2, small, one with times, an odd one, one with several steps a layer");

    // The same check has to see what is broken.
    let tiny = &texts[3];
    let broken = [
        ("data-stage", tiny.replace("data-stage=\"blocks.1\"", "data-stage=\"blocks.0\"")),
        ("error: ", tiny.replace("\"use strict\";", "\"use strict\"; undefinedFunction();")),
        ("refused: ", tiny.replace("</main>", "<img src=\"https://example.invalid/x.png\" alt=\"\"></main>")),
        ("console: ", tiny.replace("\"use strict\";", "console.error(\"no\");")),
        ("pixels wide on 390", tiny.replace("</main>", "<div style=\"width:600px\">wide</div></main>")),
        ("stands out of figure", tiny.replace("<b>MBConv6</b>", "<b style=\"min-width:400px\">MBConv6</b>")),
        ("contrast ", tiny.replace("--muted: #56606c", "--muted: #a6b0bc")),
        ("light and dark are both", tiny.replace("--page: #0f1318", "--page: #f5f6f8")),
        ("rectangles for", tiny.replacen("data-buffer=\"input\"", "data-x=\"input\"", 1)),
        ("an arrow key", tiny.replace("ArrowRight: 1", "ArrowRight: 0")),
    ];
    find_broken(&folder, &expected[3], &broken);
}

#[test]
fn equal_specs_give_equal_pages_that_load_nothing() {
    let folder = Folder::new("view-equal");
    folder.mnasc(&["view", "tiny.yaml", "-o", "tiny.html"]).done();
    let page = String::from_utf8(folder.read("tiny.html")).unwrap();
    assert_eq!(page, self::page(&folder, &["tiny.yaml"]));
    for (costs, words) in [("parameters", ">6,316<"), ("multiply-accumulates", ">473,600<")] {
        assert!(page.contains(words), "no {costs}");
    }
    for words in ["http:", "https:", "url(", "@import", " src=", "<link", "NaN", ">inf"] {
        assert!(!page.contains(words), "{words}");
    }
    for (tag, closed) in
        [("<svg", "</svg>"), ("<details", "</details>"), ("<span", "</span>"), ("<li", "</li>"), ("<g", "</g>")]
    {
        let open = page.matches(&format!("{tag} ")).count() + page.matches(&format!("{tag}>")).count();
        assert_eq!(open, page.matches(closed).count(), "{tag}");
    }
}

#[test]
fn a_page_never_holds_markup_of_the_spec() {
    let folder = Folder::new("view-hostile");
    let hostile = "</script><img src=x onerror=alert(1)>\\\"'&";
    let spec = String::from_utf8(folder.read("tiny.yaml")).unwrap();
    folder.write("hostile.yaml", spec.replace("labels.txt", &format!("\"{hostile}\"")));
    let page = page(&folder, &["hostile.yaml"]);
    assert!(page.contains("&lt;/script&gt;&lt;img src=x"), "{page}");
    assert!(!page.contains("<img") && page.matches("</script>").count() == 1);
}

/// Of `tiny.yaml`, with the keys that the page reads and some that it does not.
const PROFILE: &str = r#"{"name": "tiny", "median_ms": 0.0712, "threads": 2, "isa": "avx2", "times_roofline": 1.9, "runs": 7, "blocks": [
 {"name": "stem", "median_us": 12.5, "macs": 55296, "of_bound": 0.5, "limit": "compute", "share": 0.1},
 {"name": "blocks.0.0", "median_us": 8.25, "macs": 34816, "of_bound": 0.25, "limit": "memory"},
 {"name": "blocks.1.0", "median_us": 30, "macs": 175296, "of_bound": 0.75, "limit": "compute"},
 {"name": "blocks.2.0", "median_us": 10, "macs": 175104, "of_bound": 1, "limit": "compute"},
 {"name": "head", "median_us": 4, "macs": 32768, "of_bound": 0, "limit": "compute"},
 {"name": "classifier", "median_us": 0, "macs": 320, "of_bound": 0, "limit": "memory"}]}"#;

#[test]
fn a_profile_of_the_network_is_shown_and_any_other_refused() {
    let folder = Folder::new("view-profile");
    folder.write("tiny.json", PROFILE);
    let page = page(&folder, &["tiny.yaml", "--profile", "tiny.json"]);
    for words in
        ["71.2 µs", "avx2, 2 threads; 1.90× the roofline", ">12.5 µs<", ">19.3%<", "limited by memory, is 25.0% of it"]
    {
        assert!(page.contains(words), "not said: {words}");
    }
    let wrong = |from: &str, to: &str, words: &str| {
        let profile = PROFILE.replace(from, to);
        assert_ne!(profile, PROFILE);
        folder.write("wrong.json", profile);
        let arguments = ["view", "tiny.yaml", "--profile", "wrong.json", "-o", "wrong.html"];
        folder.mnasc(&arguments).failed(2, &["`wrong.json`", words, "mnasc bench SPEC --json --profile"]);
        assert!(!folder.path("wrong.html").exists());
    };
    wrong("\"tiny\"", "\"<b>other\"", "is of network \"<b>other\"; this is `tiny`");
    wrong("\"blocks\"", "\"Blocks\"", "has times of the whole network only");
    wrong("\"blocks.0.0\"", "\"blocks.9.0\"", "has block \"blocks.9.0\" where the network has `blocks.0.0`");
    wrong("34816", "34817", "has 34817 `macs` of block `blocks.0.0`, the network 34816");
    wrong("\"median_us\": 30", "\"median_us\": -30", "`blocks[2].median_us`");
    wrong("\"median_us\": 30", "\"median_us\": 1e300", "`blocks[2].median_us`");
    wrong("\"threads\": 2", "\"threads\": 0", "has no `threads`");
    wrong("\"memory\"}]}", "\"memory\"}, {}]}", "has 7 blocks, the network 6");
    wrong("\"isa\"", "\"was\"", "`isa`");
    wrong("{\"name\": \"tiny\"", "[", "is not JSON");
    wrong(PROFILE, &"[".repeat(100_000), "is not JSON");
    wrong(PROFILE, "\u{0}", "is not JSON");
    wrong(PROFILE, "[1]", "has no text as `name`");
    folder.write("large.json", vec![b' '; (8 << 20) + 1]);
    folder.mnasc(&["view", "tiny.yaml", "--profile", "large.json", "-o", "x.html"]).failed(2, &["more than 8 MB"]);
    folder.mnasc(&["view", "tiny.yaml", "--profile", "none.json", "-o", "x.html"]).failed(3, &["none.json"]);
    folder.mnasc(&["view", "tiny.yaml", "-o", "tiny.yaml"]).failed(2, &["would overwrite"]);
    folder.mnasc(&["view", "tiny.yaml", "--profile", "tiny.json", "-o", "tiny.json"]).failed(2, &["would overwrite"]);
    folder.mnasc(&["view", "tiny.yaml"]).failed(2, &["--output"]);
}
