//! `report`: what the page says of a study, and how it looks in a browser.

use crate::browser::{Expected, find_broken, look};
use crate::folder::Folder;
use mnas_search::findings::{
    Estimate, MACHINE, Machine, PREDICTION, Pair, Prediction, RANKING, RankedNetwork, Ranking,
};
use mnas_search::job::Latency;
use mnas_search::study::{Access, Study, Trial};
use serde_json::{Value, json};
use std::path::Path;

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs").join(name);
    path.into_os_string().into_string().unwrap()
}

fn space(name: &str) -> String {
    shipped(&format!("spaces/{name}"))
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
    folder.mnasc(&["report", "x.html", "-o", "y.html"]).failed(2, &["`x.html` is not a study"]);
    folder.mnasc(&["report", "one/x.study"]).failed(2, &["--output"]);
}

/// What a chart has of each trial: `across` and `up`, where a mark has no `up` if its trial failed.
fn points(
    trials: &[Value],
    across: impl Fn(&Value) -> Option<f64>,
    up: impl Fn(&Value) -> Option<f64>,
    with_failed: bool,
) -> Vec<Value> {
    let different = trials.iter().filter(|trial| trial["same_as"].is_null());
    let point = |trial: &Value| {
        let is_failed = trial["state"] == "failed";
        let up = if is_failed { None } else { Some(up(trial)?) };
        (with_failed || !is_failed).then_some(json!([trial["number"], across(trial)?, up]))
    };
    different.filter_map(point).collect()
}

fn number(trial: &Value) -> Option<f64> {
    trial["number"].as_f64()
}

fn reward(trial: &Value) -> Option<f64> {
    trial["reward"].as_f64()
}

fn percent(trial: &Value) -> Option<f64> {
    Some(100.0 * trial["accuracy"].as_f64()?)
}

/// Thousands of a millisecond, as the axes of these studies have it.
fn us(trial: &Value) -> Option<f64> {
    Some(1e3 * trial["latency"]["ms"].as_f64()?)
}

/// The charts of a study whose latencies are in microseconds, in the order of the page, with their contents.
fn charts_of(listed: &Value, more: &[(&str, Value)]) -> Value {
    let trials = listed["trials"].as_array().unwrap();
    let timed = trials.iter().filter(|trial| us(trial).is_some()).count();
    let learnt = trials.iter().filter(|trial| trial["same_as"].is_null() && trial["epochs"][1].is_number()).count();
    let mut charts = serde_json::Map::new();
    let front = points(trials, us, percent, false);
    if timed > 0 {
        charts.insert("front".to_owned(), json!({ "points": front }));
    }
    if !trials.is_empty() {
        charts.insert("progress".to_owned(), json!({ "points": points(trials, number, reward, true) }));
    }
    charts.insert("objective".to_owned(), json!({}));
    if timed > 0 {
        charts.insert("latencies".to_owned(), json!({ "bars": timed }));
    }
    if learnt > 0 {
        charts.insert("epochs".to_owned(), json!({ "lines": learnt.min(8) }));
    }
    for (name, chart) in more {
        charts.insert((*name).to_owned(), chart.clone());
    }
    json!(charts)
}

/// Words of the mark of the best trial.
fn tips(folder: &Folder, study: &str) -> Value {
    let best = folder.mnasc(&["study", "best", study, "--json"]).done().json();
    let best = &best["best"][0];
    let accuracy = format!("{:.2} %", 100.0 * best["accuracy"].as_f64().unwrap());
    let reward = format!("reward {:.4}", best["reward"].as_f64().unwrap());
    json!({ best["number"].to_string(): [accuracy, reward, "stem conv"] })
}

/// What accuracy and latency were found to be worth, in a study that has a few trials.
fn find_out(folder: &Folder, study: &str) -> (Ranking, Prediction) {
    let mut study = Study::open(&folder.path(study), Access::Search).unwrap();
    let trials = study.trials().unwrap();
    let different: Vec<&Trial> = trials.iter().filter(|trial| trial.same_as.is_none()).take(8).collect();
    let networks = different.iter().zip(0..).map(|(trial, at)| RankedNetwork {
        spec: trial.spec.clone(),
        accuracies: vec![trial.accuracy.unwrap(), trial.accuracy.unwrap() + 0.002 * f64::from(at % 3) - 0.002],
        curves: Vec::new(),
        choices: Vec::new(),
    });
    let ranking = Ranking {
        networks: networks.collect(),
        epochs: Some(12),
        tau: 0.25,
        tau_low: -0.11,
        tau_high: 0.6,
        spread: 0.003,
        seed_difference: 0.007,
        epochs_to_add: Some(20),
        estimate: Estimate::Curves,
    };
    let pairs = different.iter().zip(0..).map(|(trial, at)| {
        let predicted = trial.latency.unwrap();
        let ms = predicted.ms * (0.9 + 0.03 * f64::from(at));
        Pair {
            spec: trial.spec.clone(),
            predicted,
            measured: Latency { ms, low: 0.97 * ms, high: 1.02 * ms, is_stable: true },
        }
    });
    let prediction = Prediction { pairs: pairs.collect(), within_10_percent: 0.75, tau: 0.9 };
    let machine = Machine {
        cpu: "a processor of <this> name".to_owned(),
        isa: "avx2".to_owned(),
        threads: 1,
        compiler: "rustc 1.89.0".to_owned(),
        runner: Some("qemu-x86_64".to_owned()),
        load: 0.25,
        is_meaningful: false,
    };
    study.set_finding(RANKING, &ranking).unwrap();
    study.set_finding(PREDICTION, &prediction).unwrap();
    study.set_finding(MACHINE, &machine).unwrap();
    (ranking, prediction)
}

/// Fails now and then, and learns what the others learnt.
const JUDGE: &str = "read job
case $job in
  *'\"trial\":2,\"purpose\":\"trial\"'* | *'\"trial\":7,\"purpose\":\"trial\"'*) echo 'out of memory & <patience>' >&2; exit 1;;
esac
n=$(echo \"$job\" | cksum | cut -d' ' -f1)
echo \"{\\\"accuracy\\\": 0.9$((n % 90 + 10)), \\\"epochs\\\": [0.1, 0.8$((n % 9)), 0.9$((n % 90 + 10))]}\"
";

#[cfg(unix)]
#[test]
fn pages_look_right_in_a_browser() {
    let folder = Folder::new("report-browser");
    let (digits, mnasnet) = (space("digits.yaml"), space("mnasnet.yaml"));
    search(&folder, &digits, "whole", &["--synthetic", "--target", "0.06ms", "--first", "20", "--trials", "70"]);
    let (ranking, prediction) = find_out(&folder, "whole");
    folder.write("judge.sh", JUDGE);
    search(
        &folder,
        &digits,
        "accuracy",
        &["--command", "sh judge.sh", "--epochs", "3", "--trials", "18", "--rungs", "2", "--method", "random"],
    );
    search(&folder, &digits, "one", &["--synthetic", "--target", "0.06ms", "--reward", "absolute", "--trials", "1"]);
    let none = [
        "search",
        &digits,
        "--study",
        "none",
        "--command",
        "no-such-program",
        "--no-ranking",
        "--target",
        "1ms",
        "--reward",
        "hard",
    ];
    folder.mnasc(&none).failed(3, &["no-such-program"]);
    let hard = ["--synthetic", "--target", "40fps", "--reward", "hard", "--trials", "30", "--method", "random"];
    search(&folder, &mnasnet, "large", &hard);
    // Three near each other, whose names have to find room; of one there is no accuracy.
    folder.write("given.json", "{\"name\": \"mobilenet_v2\", \"median_ms\": 31, \"accuracies\": [0.955, 0.957]}\n{\"name\": \"mnasnet_a1\", \"median_ms\": 24.25, \"isa\": \"avx2\"}\n{\"name\": \"mnasnet_b1\", \"median_ms\": 31.2, \"accuracy\": 0.956}\n{\"name\": \"mobilenet_v1\", \"median_ms\": 30.6, \"accuracy\": 0.9561}");

    let pair = |a: f64, b: f64| json!([a, b]);
    let seeds: Vec<Value> =
        ranking.networks.iter().map(|it| pair(100.0 * it.accuracies[0], 100.0 * it.accuracies[1])).collect();
    let foreseen: Vec<Value> =
        prediction.pairs.iter().map(|it| pair(1e3 * it.measured.ms, 1e3 * it.predicted.ms)).collect();
    let more = [("seeds", json!({ "pairs": seeds })), ("prediction", json!({ "pairs": foreseen }))];
    let whole = json!({ "charts": charts_of(&listed(&folder, "whole"), &more), "tips": tips(&folder, "whole") });

    // Without latencies the work stands in.
    let accuracy = listed(&folder, "accuracy");
    let trials = accuracy["trials"].as_array().unwrap();
    let millions = |trial: &Value| Some(trial["macs"].as_f64()? / 1e6);
    assert!(trials.iter().any(|trial| trial["rung"] == 1), "no trial is on the second rung");
    let networks = accuracy["findings"]["ranking"]["networks"].as_array().unwrap();
    let seed = |network: &Value, at: usize| 100.0 * network["accuracies"][at].as_f64().unwrap();
    let seeds: Vec<Value> = networks.iter().map(|network| pair(seed(network, 0), seed(network, 1))).collect();
    assert_eq!(seeds.len(), 8);
    let accuracy = json!({
        "charts": {
            "seeds": { "pairs": seeds },
            "front": { "points": points(trials, millions, percent, false) },
            "progress": { "points": points(trials, number, reward, true) },
            "epochs": { "lines": 8 },
        },
        "tips": tips(&folder, "accuracy"),
    });
    let one = json!({ "charts": charts_of(&listed(&folder, "one"), &[]), "tips": tips(&folder, "one"), "texts": 40 });
    let none = json!({ "charts": charts_of(&listed(&folder, "none"), &[]), "texts": 30 });
    let large = listed(&folder, "large");
    let trials = large["trials"].as_array().unwrap();
    let ms = |trial: &Value| trial["latency"]["ms"].as_f64();
    let mut charts = charts_of(&large, &[]);
    charts["front"] = json!({ "points": points(trials, ms, percent, false) });
    let large = json!({ "charts": charts, "tips": tips(&folder, "large") });
    let soft = ["--synthetic", "--target", "30fps", "--reward", "soft", "--trials", "45"];
    search(&folder, &mnasnet, "soft", &soft);
    search(&folder, &mnasnet, "fitted", &["--synthetic", "--target", "40fps", "--first", "10", "--trials", "40"]);
    let mut beside = large.clone();
    beside["charts"]["latencies-1"] = json!({ "bars": 45 });
    beside["charts"]["latencies-2"] = json!({ "bars": 40 });
    let [v1, v2, a1, b1] =
        ["mobilenet_v1", "mobilenet_v2", "mnasnet_a1", "mnasnet_b1"].map(|name| shipped(&format!("{name}.yaml")));
    let with_baselines = ["report", "large", "--baseline", &v2, &a1, &b1, &v1, "--measured", "given.json", "-o", "-"];
    let pages = [
        (page(&folder, "whole"), whole),
        (page(&folder, "accuracy"), accuracy),
        (page(&folder, "one"), one),
        (page(&folder, "none"), none),
        (folder.mnasc(&with_baselines).done().out, large),
        (folder.mnasc(&["report", "large", "--beside", "soft", "fitted", "-o", "-"]).done().out, beside),
    ];
    let expected: Vec<Expected> = pages
        .iter()
        .map(|(page, charts)| Expected { page, lists: json!({}), buffers: None, charts: charts.clone() })
        .collect();
    let Some(findings) = look(&folder, &expected) else { return };
    assert_eq!(findings, [[""; 0]; 6], "of all there is, accuracy alone, one trial, none, a large space, others");

    // The same check has to see what is broken.
    let page = &pages[0].0;
    let best = tips(&folder, "whole");
    let best = best.as_object().unwrap().keys().next().unwrap();
    // The mark of the first chart; the text before a position identifies it.
    let (_, mark) = page.split_once(&format!("data-t=\"{best}\"")).unwrap();
    let mark = mark.split_once("/>").unwrap().0;
    let x = mark.split_once(" x=\"").unwrap().1.split_once('"').unwrap().0;
    let moved = mark.replace(&format!(" x=\"{x}\""), &format!(" x=\"{:.1}\"", x.parse::<f64>().unwrap() + 3.0));
    let tick = "class=\"muted tick\" data-axis=\"y\"";
    let ticked = page.replacen(tick, "class=\"muted tick\" data-axis=\"y\" data-first", 1);
    let (before, rest) = ticked.split_once("data-first").unwrap();
    let (attributes, rest) = rest.split_once('>').unwrap();
    let rest = rest.split_once('<').unwrap().1;
    let title = "<text class=\"title\" x=\"4.0\" y=\"16.0\" text-anchor=\"start\">accuracy, %</text>";
    let broken = [
        ("is at", page.replacen(mark, &moved, 1)),
        ("has no mark", page.replacen(&format!("data-t=\"{best}\""), "data-u=\"0\"", 1)),
        ("the tick", format!("{before}{attributes}>1<{rest}")),
        ("covers \"accuracy, %\"", page.replacen(title, &format!("{title}{title}"), 1)),
        ("stands out of", page.replacen("x=\"4.0\" y=\"16.0\"", "x=\"-40.0\" y=\"16.0\"", 1)),
        ("of mark in front", page.replace("fill-opacity: 0.75", "fill-opacity: 0.5")),
        ("contrast ", page.replace("--muted: #56606c", "--muted: #a6b0bc")),
        ("an arrow key", page.replace("ArrowRight: 1", "ArrowRight: 0")),
        ("beside trial", page.replace("least = 22 ** 2", "least = 0")),
        ("light up everywhere", page.replace("mark.classList.add(\"lit\")", "mark")),
        ("pixels high", page.replace(".chart text { font-size: 18px }", "")),
        ("bars for", page.replacen("data-count=\"", "data-count=\"1", 1)),
        ("pairs instead", page.replacen("class=\"pair\"", "class=\"pear\"", 1)),
        ("error: ", page.replace("\"use strict\";", "\"use strict\"; undefinedFunction();")),
        ("pixels wide on 390", page.replace("</main>", "<div style=\"width:600px\">wide</div></main>")),
    ];
    find_broken(&folder, &expected[0], &broken);
}

#[test]
fn baselines_have_the_figures_that_there_are() {
    let folder = Folder::new("report-baselines");
    let digits = space("digits.yaml");
    search(&folder, &digits, "study", &["--synthetic", "--target", "0.06ms", "--w", "-0.03", "--trials", "8"]);
    let found = folder.mnasc(&["study", "best", "study", "--to", "found", "--json"]).done().json();
    let own = found["paths"][0].as_str().unwrap();
    // As it is, it compiles.
    folder.mnasc(&[own, "--emit", "rust"]).done();
    let v2 = shipped("mobilenet_v2.yaml");
    let report = |more: &[&str]| folder.mnasc(&[&["report", "study", "-o", "-"], more].concat());
    let without = report(&[]).done().out;
    assert!(!without.contains("baseline-row"));
    let bare = report(&["--baseline", &v2]).done().out;
    assert!(bare.contains("Counts only: neither") && bare.contains(">300,774,272<"), "no counts");
    // A network that the search came upon has its figures from there, whatever it is called.
    let known = report(&["--baseline", own, &v2]).done().out;
    let row = known.split("<tr class=\"baseline-row\">").nth(1).unwrap();
    let accuracy = format!(">{:.2} %<", 100.0 * found["best"][0]["accuracy"].as_f64().unwrap());
    assert!(row.contains(&accuracy) && row.contains(&format!("trial {}<", found["best"][0]["number"])), "{row}");
    folder.write("a.json", "{\"name\": \"mobilenet_v2\", \"median_ms\": 3.125, \"isa\": \"avx2\", \"threads\": 2}");
    folder.write(
        "b.json",
        "{\"name\": \"mobilenet_v2\", \"accuracy\": 0.5}\n{\"name\": \"mobilenet_v2\", \"accuracy\": 0.75}",
    );
    let given = report(&["--baseline", &v2, "--measured", "a.json", "b.json"]).done().out;
    for words in [
        ">62.50 % (50.00 % to 75.00 %, 2 seeds)<",
        ">3.12 ms<",
        "a measurement (avx2, 2 threads)",
        "data-baseline=\"mobilenet_v2\"",
    ] {
        assert!(given.contains(words), "not said: {words}");
    }
    // Of the paper's networks they have a column in its tables; those of what is not compared with would be lost.
    report(&["--measured", "a.json"]).done();
    folder.write("c.json", "{\"name\": \"mobilenet_v22\", \"median_ms\": 1}");
    let trial = serde_json::json!({"name": format!("digits_{}", found["best"][0]["number"]), "accuracy": 0.5});
    folder.write("d.json", trial.to_string());
    report(&["--measured", "d.json"]).done();
    report(&["--measured", "c.json"]).failed(2, &["figures of \"mobilenet_v22\"", "--baseline SPEC"]);
    let wrong = |text: &str, words: &str| {
        folder.write("wrong.json", text);
        report(&["--measured", "wrong.json"]).failed(2, &["`wrong.json`", words, "mnasc bench SPEC --json"]);
    };
    wrong("", "is empty");
    wrong("{\"name\": 3}", "without a `name`");
    wrong("{\"name\": \"a\"} x", "of network \"a\"");
    wrong("{\"name\": \"a\", \"median_ms\": 1} x", "is not JSON");
    wrong("{\"name\": \"a\", \"median_ms\": 0}", "an invalid latency");
    wrong("{\"name\": \"a\", \"accuracies\": [0.5, 1.5]}", "not from 0 to 1");
    wrong("{\"name\": \"a\", \"accuracies\": 1}", "that are not a list");
    wrong(&"[".repeat(100_000), "is not JSON");
    report(&["--baseline", "none.yaml"]).failed(3, &["none.yaml"]);
    report(&["--baseline", &v2, &v2]).failed(2, &["two baselines are called `mobilenet_v2`", "its own `name`"]);
    folder.mnasc(&["report", "study", "-o", "a.json", "--measured", "a.json"]).failed(2, &["would overwrite"]);
}

#[test]
fn studies_of_one_space_are_shown_beside_each_other() {
    let folder = Folder::new("report-beside");
    let digits = space("digits.yaml");
    let options = |reward: &'static str| ["--synthetic", "--target", "0.06ms", "--reward", reward, "--trials", "24"];
    search(&folder, &digits, "hard.study", &options("hard"));
    search(&folder, &digits, "soft.study", &options("soft"));
    search(&folder, &space("mnasnet.yaml"), "large.study", &options("soft"));
    let report = |more: &[&str]| folder.mnasc(&[&["report", "hard.study", "-o", "-"], more].concat());
    let page = report(&["--beside", "soft.study"]).done().out;
    for study in ["hard.study", "soft.study"] {
        let trials = listed(&folder, study)["trials"].as_array().unwrap().clone();
        let within = |most: f64| {
            let count = trials.iter().filter(|trial| trial["latency"]["ms"].as_f64().unwrap() <= most).count();
            // As the page writes shares.
            format!("{:.1}%", 100.0 * count as f64 / trials.len() as f64)
        };
        let note = format!("{} of all trials are within T, {} within half of it.", within(0.06), within(0.03));
        assert!(page.contains(&note), "{study}: {note}");
    }
    assert!(page.contains(">Sampled latencies<") && page.contains(">Sampled latencies of soft<"));
    assert!(
        page.contains("Under ACC * (LAT / T)^w, T = 60 us") || page.contains("Under ACC * (LAT / T)^w, T = 0.06 ms")
    );
    // Latencies that somebody else tells are marked.
    let foreign = "They were told by something else";
    let told = ["--command", "echo '{\"accuracy\": 0.5, \"latency_ms\": 0.03}'", "--no-ranking"];
    let mut asked = options("soft").to_vec();
    asked.splice(..1, told);
    search(&folder, &digits, "told.study", &asked);
    assert!(!page.contains(foreign));
    assert_eq!(report(&["--beside", "soft.study", "told.study"]).done().out.matches(foreign).count(), 1);
    report(&["--beside", "large.study"]).failed(2, &["`large.study` has another space than `hard.study`"]);
    report(&["--beside", "none.study"]).failed(3, &["none.study"]);
    folder
        .mnasc(&["report", "hard.study", "--beside", "soft.study", "-o", "soft.study"])
        .failed(2, &["would overwrite"]);
}

#[test]
fn figures_without_a_source_are_never_shown_as_published() {
    let folder = Folder::new("report-paper");
    search(&folder, &space("digits.yaml"), "study", &["--synthetic", "--trials", "1"]);
    let page = page(&folder, "study");
    // Figures without a verified source which no other cell has.
    for figure in
        ["708M", "3.2M", "67.5", "88.2", "89.5", "597M", "75.4", "274M", "6.9M", "92.5", "143", "588M", "74.2"]
    {
        let published = page.matches(&format!("<td class=\"n\">{figure}</td>")).count();
        // A1 has been seen with a top-5 of 92.5.
        assert_eq!(published, usize::from(figure == "92.5"), "{figure}");
        let unproven = format!("<td class=\"n unproven\" title=\"from memory, unproven\">{figure} ?</td>");
        assert!(page.contains(&unproven), "{figure}");
    }
    for figure in ["312M", "75.2", "78", "314M", "74.5", "575M", "113", "3,887,038", "311,579,072"] {
        assert!(page.contains(&format!("<td class=\"n\">{figure}</td>")), "{figure}");
    }
}

#[cfg(unix)]
#[test]
fn a_page_never_holds_markup_of_a_study() {
    let folder = Folder::new("report-hostile");
    let hostile = "</script></li></style><img src=x onerror=alert(1)>\"'&";
    folder.write("judge.sh", format!("echo '{hostile}' | tr -d \"'\" >&2; exit 1"));
    let command = format!("sh judge.sh # {hostile}");
    let failing = ["--study", "<b>&", "--command", &command, "--no-ranking", "--trials", "3"];
    let said = folder.mnasc(&[&["search", &space("digits.yaml")], &failing[..]].concat());
    assert!(said.code == Some(3) && said.out.contains("3 of 3 trials failed; the last: "), "{said:?}");
    assert!(said.err.contains("no network could be evaluated"), "{}", said.err);
    let json = folder.mnasc(&[&["search", &space("digits.yaml")], &failing[..], &["--resume", "--json"]].concat());
    assert!(json.code == Some(3) && json.err.contains("no network could be evaluated"), "{json:?}");
    let page = page(&folder, "<b>&");
    assert!(page.contains("&lt;b&gt;&amp;") && page.contains("failed: ") && page.contains("&lt;img src=x"));
    assert!(!page.contains("<img") && page.matches("</script>").count() == 1 && page.matches("</style>").count() == 1);
}
