//! `report`: what the page says of a study, and how it looks in a browser.

use crate::folder::Folder;
use serde_json::Value;
use std::path::Path;

fn space(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/spaces").join(name);
    path.into_os_string().into_string().unwrap()
}

fn search(folder: &Folder, space: &str, study: &str, more: &[&str]) {
    folder.mnasc(&[&["search", space, "--study", study], more].concat()).done();
}

fn page(folder: &Folder, study: &str) -> String {
    folder.mnasc(&["report", study, "-o", "-"]).done().out
}

fn listed(folder: &Folder, study: &str) -> Value {
    serde_json::from_str(&folder.mnasc(&["study", "list", study, "--json"]).done().out).unwrap()
}

#[test]
fn equal_studies_give_equal_pages_that_load_nothing() {
    let folder = Folder::new("report-equal");
    let options = ["--synthetic", "--target", "0.06ms", "--w", "auto", "--first", "20", "--trials", "40"];
    for study in ["one/x.study", "two/x.study"] {
        std::fs::create_dir_all(folder.path(study).parent().unwrap()).unwrap();
        search(&folder, &space("digits.yaml"), study, &options);
    }
    folder.mnasc(&["report", "one/x.study", "-o", "x.html"]).done();
    let page = String::from_utf8(folder.read("x.html")).unwrap();
    assert_eq!(page, self::page(&folder, "two/x.study"));
    for words in ["http:", "https:", "url(", "@import", " src=", "<link", "NaN", ">inf", "-inf"] {
        assert!(!page.contains(words), "{words}");
    }
    for (tag, closed) in
        [("<svg", "</svg>"), ("<g", "</g>"), ("<text", "</text>"), ("<li", "</li>"), ("<div", "</div>")]
    {
        let open = page.matches(&format!("{tag} ")).count() + page.matches(&format!("{tag}>")).count();
        assert_eq!(open, page.matches(closed).count(), "{tag}");
    }
    let listed = listed(&folder, "one/x.study");
    let best = folder.mnasc(&["study", "best", "one/x.study", "--json"]).done().json();
    let best = &best["best"][0];
    let said = format!(">{:.2} %<", 100.0 * best["accuracy"].as_f64().unwrap());
    assert!(page.contains(&said), "{said}");
    assert!(page.contains(&format!(">trial {}<", best["number"])), "{best}");
    let different = listed["trials"].as_array().unwrap().iter().filter(|trial| trial["same_as"].is_null()).count();
    assert!(page.contains(&format!(">{different} networks<")), "{different}");
    folder.mnasc(&["report", "one/x.study", "-o", "one/x.study"]).failed(2, &["would overwrite"]);
    folder.mnasc(&["report", "none.study", "-o", "x.html"]).failed(3, &["none.study"]);
    folder.mnasc(&["report", "x.html", "-o", "y.html"]).failed(2, &["`x.html` is no study"]);
    folder.mnasc(&["report", "one/x.study"]).failed(2, &["--output"]);
}
