//! Pages in a real browser: Debian's chromium, or what `MNAS_BROWSER` names. One start looks at a page six times, in
//! frames as wide as a phone, a tablet and a desk, each in light and in dark.

use crate::folder::Folder;
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// What is expected of a page; everything else that is wrong with it comes back as words.
pub(crate) struct Expected<'a> {
    /// Values of an attribute in the order of the page.
    pub(crate) lists: Value,
    /// Rectangles of the arena, on a page that shows one.
    pub(crate) buffers: Option<usize>,
    /// Charts by name, see `browser_charts.js`; null on a page without.
    pub(crate) charts: Value,
    pub(crate) page: &'a str,
}

/// A frame's width and colours.
const FRAMES: [(u32, &str); 6] =
    [(390, "light"), (390, "dark"), (980, "light"), (980, "dark"), (1280, "light"), (1280, "dark")];

/// Opens the pages in a browser and returns the faults of each. Without a browser, prints that and returns `None`.
pub(crate) fn look(folder: &Folder, pages: &[Expected]) -> Option<Vec<Vec<String>>> {
    let browser = browser()?;
    let list: Vec<Value> = pages
        .iter()
        .map(|page| {
            let expected = json!({ "lists": page.lists, "buffers": page.buffers, "charts": page.charts });
            json!({ "page": page.page, "expected": expected })
        })
        .collect();
    let harness = format!(
        "<!DOCTYPE html><meta charset=\"utf-8\"><body><pre id=\"said\"></pre>\n<script>\n{}\n{}\nconst pages = {};\nconst frames = {};\n{}</script>",
        include_str!("browser_check.js"),
        include_str!("browser_charts.js"),
        script(&Value::Array(list)),
        script(&json!(FRAMES.map(|(width, scheme)| json!({ "width": width, "scheme": scheme })))),
        HARNESS
    );
    folder.write("harness.html", harness);
    let output = Command::new(&browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"])
        .args(["--disable-background-networking", "--hide-scrollbars", "--window-size=1400,1000"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path("browser").display()))
        .arg(format!("file://{}", folder.path("harness.html").display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let said = dom.split_once("<pre id=\"said\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = said.unwrap_or_else(|| panic!("the browser showed nothing\n{stderr}")).0;
    let said = said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let said: Vec<Value> =
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("the check did not end: {error}\n{said}\n{stderr}"));
    Some(said.chunks(FRAMES.len()).map(judge).collect())
}

/// Looks at pages that were broken on purpose, each of which has to be found to be: by the words beside it. `whole` is what
/// they were broken from, and what is expected of all of them.
pub(crate) fn find_broken(folder: &Folder, whole: &Expected, broken: &[(&str, String)]) {
    let expected: Vec<Expected> = broken
        .iter()
        .map(|(_, page)| Expected { page, lists: whole.lists.clone(), charts: whole.charts.clone(), ..*whole })
        .collect();
    let findings = look(folder, &expected).unwrap();
    for ((words, page), findings) in broken.iter().zip(&findings) {
        assert_ne!(page, whole.page, "nothing was broken for {words}");
        assert!(findings.iter().any(|finding| finding.contains(words)), "not seen: {words}\n{findings:?}");
    }
}

/// The findings of a page's frames, and what only shows between them.
fn judge(frames: &[Value]) -> Vec<String> {
    let mut findings = Vec::new();
    for ((width, scheme), frame) in FRAMES.iter().zip(frames) {
        let words = frame["findings"].as_array().unwrap().iter();
        findings.extend(words.map(|words| format!("{width} {scheme}: {}", words.as_str().unwrap())));
        if frame["width"] != *width {
            findings.push(format!("a frame of {} instead of {width}", frame["width"]));
        }
    }
    for pair in frames.chunks(2) {
        if pair[0]["background"] == pair[1]["background"] {
            findings.push(format!("light and dark are both {}", pair[0]["background"]));
        }
    }
    findings
}

/// JSON that does not end the script it is in.
fn script(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

fn browser() -> Option<String> {
    let named = std::env::var("MNAS_BROWSER").ok();
    let names = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    let found = named.into_iter().chain(names).find(|name| {
        let version = Command::new(name).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
        version.is_ok_and(|output| output.status.success())
    });
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no chromium, which CI has to have");
        eprintln!("skipped: no chromium (set MNAS_BROWSER)");
    }
    found
}

/// Puts each page into each frame, with a script before its own that collects errors.
const HARNESS: &str = r#"
const early = `<script>
var errors = [];
addEventListener("error", (event) => errors.push("error: " + event.message));
addEventListener("unhandledrejection", (event) => errors.push("error: " + event.reason));
document.addEventListener("securitypolicyviolation", (event) => errors.push("refused: " + event.blockedURI));
for (const kind of ["error", "warn", "assert"]) console[kind] = (...words) => errors.push("console: " + words);
<\/script>`;
const show = ({ page, expected }, { width, scheme }) => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width: ${width}px; height: 800px; border: 0; color-scheme: ${scheme}`;
  frame.onload = () => setTimeout(() => check(frame, expected).catch((error) => ({ findings: [`${error}`] })).then((said) => {
    frame.remove();
    done(said);
  }), 50);
  frame.srcdoc = page.replace("<head>", "<head>" + early);
  document.body.append(frame);
});
(async () => {
  const said = [];
  for (const page of pages) for (const frame of frames) said.push(await show(page, frame));
  document.getElementById("said").textContent = JSON.stringify(said);
})();
"#;
