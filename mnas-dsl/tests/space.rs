//! Search spaces: members, sizes, membership, mistakes.

mod common;

use mnas_dsl::space::{Membership, key};
use mnas_dsl::{Space, load_yaml};
use std::path::PathBuf;

fn shipped(name: &str) -> (String, String) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "specs", name].iter().collect();
    (common::read(&path), name.to_owned())
}

fn space(name: &str) -> Space {
    let (text, file) = shipped(&format!("spaces/{name}.yaml"));
    Space::parse(&text, &file).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn parse(block: &str) -> Result<Space, String> {
    let text = format!(
        "name: net\ninput: 16x16x3\nstem: {{op: conv, kernel: 3, stride: 2, filters: 8}}\nblocks:\n  - {block}\nhead: {{classes: 10}}\n"
    );
    Space::parse(&text, "net.yaml").map_err(|mistakes| mistakes.to_string())
}

/// Every index vector of a small space.
fn all(sizes: &[usize]) -> Vec<Vec<usize>> {
    sizes.iter().fold(vec![Vec::new()], |all, &size| {
        all.into_iter()
            .flat_map(|indices| (0..size).map(move |index| [indices.as_slice(), &[index]].concat()))
            .collect()
    })
}

#[test]
fn the_examples_are_members_of_their_spaces_and_a_scaled_network_is_none() {
    let found = |space_name: &str, example: &str| {
        let (text, file) = shipped(&format!("../examples/{example}.yaml"));
        let (_, network) = load_yaml(&text, &file).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        space(space_name).contains(&network)
    };
    for (space, example) in [("digits", "digits"), ("fashion", "fashion/found"), ("fashion", "fashion/trial_26")] {
        let found = found(space, example);
        assert!(matches!(found, Ok(Membership::Member(_))), "{example}: {found:?}");
    }
    // At the width that takes as long; as it is written it is one, over the limit of multiply-accumulates.
    let scaled = found("fashion", "fashion/mobilenet_v2_style_0125");
    assert!(matches!(scaled, Ok(Membership::Not(_))), "{scaled:?}");
}

#[test]
fn a1_and_b1_are_members_of_the_shipped_space_and_others_are_not() {
    let space = space("mnasnet");
    for name in ["mnasnet_a1.yaml", "mnasnet_b1.yaml"] {
        let (text, file) = shipped(name);
        let (_, network) = load_yaml(&text, &file).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let Ok(Membership::Member(indices)) = space.contains(&network) else {
            panic!("{name}: {:?}", space.contains(&network));
        };
        let (_, member) = space.member(&indices).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(key(&member), key(&network), "{name}");
        assert_eq!((member.parameters(), member.macs()), (network.parameters(), network.macs()), "{name}");
    }
    // A1 with one value that the space does not offer, in each block.
    let (text, file) = shipped("mnasnet_a1.yaml");
    for (from, to, part, words) in [
        ("filters: 112", "filters: 104", "blocks.4", "filters 104"),
        ("expand: 3, kernel: 5", "expand: 3, kernel: 7", "blocks.2", "kernel 7"),
        ("filters: 320}", "filters: 320, layers: 3}", "blocks", "the network goes on"),
        ("filters: 80, layers: 4", "filters: 80, layers: 4, se: 0.5", "blocks.3", "squeeze-excite of"),
        ("stride: 2, filters: 32}", "stride: 2, filters: 40}", "stem", "filters 40, in the space 32"),
        ("input: 224x224x3", "input: 192x192x3", "input", "192x192x3"),
        ("filters: 1280", "filters: 1024", "head", "filters 1024 (relu), in the space 1280 (relu)"),
        ("classes: 1000", "classes: 999", "head", "classes 999, in the space 1000"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        let (_, network) = load_yaml(&changed, &file).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        match space.contains(&network) {
            Ok(Membership::Not(why)) => {
                assert_eq!(why.part, part, "{why:?}");
                assert!(why.differences.iter().any(|it| it.contains(words)), "{why:?}");
            }
            other => panic!("{to}: {other:?}"),
        }
    }
}

#[test]
fn sizes_are_those_that_the_choices_multiply_to() {
    let size = space("mnasnet").size();
    // ops * kernels * SE * skips * filters * layers, by hand.
    assert_eq!(size.blocks, [288.0, 432.0, 432.0, 432.0, 576.0, 576.0, 288.0]);
    assert_eq!(size.layers, [1.5, 2.0, 3.0, 4.0, 3.0, 3.0, 1.5]);
    assert_eq!(size.outside, 1.0);
    let factorised = 288.0_f64.powi(2) * 432.0_f64.powi(3) * 576.0_f64.powi(2);
    assert!((size.factorised / factorised - 1.0).abs() < 1e-12, "{}", size.factorised);
    let layerwise = (144.0_f64.powf(1.5) * 2.0).powi(2)
        * (144.0_f64.powi(2) * 3.0)
        * (144.0_f64.powi(3) * 3.0)
        * (144.0_f64.powi(4) * 3.0)
        * (192.0_f64.powi(3) * 3.0).powi(2);
    assert!((size.layerwise / layerwise - 1.0).abs() < 1e-9, "{}", size.layerwise);
}

#[test]
fn members_are_what_a_person_would_write() {
    let space = parse(
        "{op: {choose: [sepconv, mbconv e3, conv]}, kernel: {choose: [3, 5]}, se: {choose: [0, 0.25]}, \
         skip: {choose: [identity, pool, none]}, filters: {choose: {base: 8, times: [1, 1.5], or: [10]}}, \
         layers: {choose: {base: 2, plus: [-1, 0]}}}",
    )
    .unwrap();
    assert_eq!(space.sizes(), [3, 2, 2, 3, 3, 2]);
    let written = |indices: &[usize]| {
        let (spec, network) = space.member(indices).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        // What is printed is a spec, and the same network.
        let (again, same) = load_yaml(&spec.to_yaml(), "again.yaml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(spec, again);
        assert_eq!(key(&network), key(&same));
        spec.to_yaml().lines().find_map(|line| line.strip_prefix("  - ").map(str::to_owned)).unwrap()
    };
    assert_eq!(written(&[0, 0, 0, 0, 0, 0]), "{op: sepconv, kernel: 3, filters: 8, layers: 1, skip: identity}");
    assert_eq!(
        written(&[1, 1, 1, 1, 1, 1]),
        "{op: mbconv, expand: 3, kernel: 5, filters: 12, layers: 2, se: 0.25, skip: pool}"
    );
    // A plain convolution has no squeeze-excite; no layer of this one keeps its channels.
    assert_eq!(written(&[2, 0, 1, 0, 2, 0]), "{op: conv, kernel: 3, filters: 10, layers: 1}");
    assert_eq!(key(&space.member(&[2, 0, 1, 0, 2, 0]).unwrap().1), key(&space.member(&[2, 0, 0, 2, 2, 0]).unwrap().1));
}

/// Where an op has a projection if no skip is written, none has to be written.
#[test]
fn a_skip_that_no_layer_can_have_does_not_become_another() {
    for op in ["bottleneck", "xception"] {
        let choose = "stride: 2, skip: {choose: [identity, none, projection]}";
        let space = parse(&format!("{{op: {op}, kernel: 3, filters: 16, {choose}}}")).unwrap();
        let key = |alternative: usize| key(&space.member(&[alternative]).unwrap().1);
        assert_eq!(key(0), key(1), "{op}");
        assert_ne!(key(0), key(2), "{op}: the control");
    }
}

#[test]
fn a_space_is_no_network_which_is_said_once() {
    let said = |text: &str| load_yaml(text, "space.yaml").unwrap_err();
    let text = "name: net\ninput: 16x16x3\nblocks:\n  - {op: conv, kernel: {choose: [3, x]}, filters: {choose: [8]}, layers: {choose: [1]}}\nhead: none\n";
    let few = &text.replace("{choose: [8]}", "8").replace("{choose: [1]}", "1");
    for text in [text.to_owned(), few.to_owned() + "limits: {macs: 3}\n"] {
        let mistakes = said(&text);
        assert_eq!(mistakes.len(), 1, "{mistakes}");
        let drawn = mistakes.to_string();
        assert!(drawn.contains("this is a search space") && drawn.contains("mnasc space"), "{drawn}");
    }
    // One choice may be a slip, and has its place.
    let drawn = said(few).to_string();
    assert!(drawn.contains("space.yaml:4:24") && drawn.contains("a choice stands where"), "{drawn}");
}

#[test]
fn every_member_of_a_small_space_is_found_again_as_an_equal_network() {
    let space = parse(
        "{op: {choose: [sepconv, mbconv e3]}, kernel: {choose: [3, 5]}, skip: {choose: [identity, pool]}, filters: {choose: [8, 12]}, layers: {choose: [1, 2]}}",
    )
    .unwrap();
    for indices in all(&space.sizes()) {
        let (_, network) = space.member(&indices).unwrap();
        let Ok(Membership::Member(found)) = space.contains(&network) else { panic!("{indices:?}") };
        assert_eq!(key(&space.member(&found).unwrap().1), key(&network), "{indices:?} {found:?}");
    }
}

#[test]
fn mistakes_are_reported_where_the_alternative_stands() {
    for (block, words) in [
        ("{op: conv, kernel: {choose: [3, 4]}, filters: 8}", &["5:37", "kernel size 4 is even"][..]),
        ("{op: conv, kernel: {choose: []}, filters: 8}", &["has no alternative"]),
        ("{op: conv, kernel: {choose: 3}, filters: 8}", &["expected a list of values"]),
        ("{op: conv, kernel: {choose: [3, 3]}, filters: 8}", &["offers `3` twice"]),
        ("{op: conv, kernel: {choose: [3, {choose: [5]}]}, filters: 8}", &["a choice is nested in a choice"]),
        ("{op: {choose: [conv, mbconv ex]}, kernel: 3, filters: 8}", &["unknown op `mbconv ex`"]),
        ("{op: conv, kernel: 3, filters: {choose: {base: 8, times: [0.5, 70]}}}", &["a factor is 70"]),
        ("{op: conv, kernel: 3, filters: {choose: {base: 8, times: [1, 1.01]}}}", &["offers `8` twice"]),
        ("{op: conv, kernel: 3, filters: {choose: {bas: 8, times: [1]}}}", &["did you mean `base`"]),
        ("{op: conv, kernel: 3, filters: 8, layers: {choose: {base: 1, plus: [-1]}}}", &["number of layers is 0"]),
        ("{op: conv, kernel: 3, filters: {choose: [0, 8]}, stride: {choose: [3]}}", &["filters is 0", "stride is 3"]),
    ] {
        let said = parse(block).expect_err(block);
        for words in words {
            assert!(said.contains(words), "{block}\n{said}");
        }
    }
    // A space with many choices is checked, and one with too many is refused at once.
    let many: String = (1..=900).map(|number| format!("{number}, ")).collect();
    let choice = format!("{{op: conv, kernel: 3, filters: {{choose: [{many}]}}}}");
    assert!(parse(&choice).is_ok());
    let said = parse(&format!("{choice}\n{}", "  - ds_r1_k3_s1_c16\n".repeat(8000))).unwrap_err();
    assert!(said.contains("900 alternatives in a file of"), "{said}");
    let text = "name: net\ninput: 16x16x3\nlimits: {parameter: 3, macs: 0.5}\nstem: {op: conv, kernel: 3, filters: 8}\nblocks: [ds_r1_k3_s1_c8]\nhead: none\n";
    let said = Space::parse(text, "net.yaml").unwrap_err().to_string();
    assert!(said.contains("did you mean `parameters`") && said.contains("limit of macs is 0.5"), "{said}");
    let usual = |search: &str| {
        Space::parse(&text.replace("limits: {parameter: 3, macs: 0.5}", search), "net.yaml")
            .map(|space| space.usual().clone())
            .map_err(|error| error.to_string())
    };
    let said = usual("search: {epoch: 3, trials: 0, data: 1}").unwrap_err();
    assert!(said.contains("did you mean `epochs`") && said.contains("number of trials is 0"), "{said}");
    assert!(said.contains("expected a text for data"), "{said}");
    let said = usual("search: {target: 25ms, epochs: 3}").unwrap();
    assert_eq!((said.target.as_deref(), said.epochs, said.trials, said.data), (Some("25ms"), Some(3), None, None));
    let said = usual("search: {baselines: [a.yaml, b/c.yaml]}").unwrap();
    assert_eq!(said.baselines, ["a.yaml", "b/c.yaml"]);
    let said = usual("search: {baselines: a.yaml}").unwrap_err();
    assert!(said.contains("a list of specs for baselines"), "{said}");
    let said = usual("search: {baselines: [3, b.yaml]}").unwrap_err();
    assert!(said.contains("expected a text for a baseline"), "{said}");
    assert_eq!(usual("").unwrap(), mnas_dsl::space::Usual::default());
}
