//! What stands inside `mnas_net!`, around and in the network.

use mnas_dsl::{MacroInput, MacroSource, Spec, parse_tokens, parse_yaml};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

fn stream(text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn input(text: &str) -> MacroInput {
    parse_tokens(stream(text)).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn spec(text: &str) -> Spec {
    match input(text).source {
        MacroSource::Inline(spec) => *spec,
        MacroSource::File { path, .. } => panic!("a file: {path}"),
    }
}

const BODY: &str = "stem conv k3 s2 c8; mbconv e2.5 k3 c16 r2 se0.25;";

#[test]
fn an_inline_network_with_everything_around_it() {
    let input = input(&format!(
        "/// MnasNet.\n#[derive(Debug)] pub(crate) struct MnasNetA1<32 x 32 x 3, 10> {{ {BODY} }},\
         weights = \"a1.safetensors\", crate = ::my::runtime"
    ));
    assert_eq!(input.ident.to_string(), "MnasNetA1");
    assert_eq!(input.vis.to_string().replace(' ', ""), "pub(crate)");
    assert!(input.attrs.to_string().contains("MnasNet."));
    assert!(input.attrs.to_string().contains("derive"));
    assert_eq!(input.weights.map(|(path, _)| path).as_deref(), Some("a1.safetensors"));
    assert_eq!(input.crate_path.map(|path| path.to_string().replace(' ', "")).as_deref(), Some("::my::runtime"));
    let MacroSource::Inline(spec) = input.source else { panic!("not inline") };
    assert_eq!(spec.name.value, "mnas_net_a1");
    assert_eq!(spec.blocks[0].expand_ratio.map(|it| it.value), Some(2.5));
    assert_eq!(spec.blocks[0].se_ratio.map(|it| it.value), Some(0.25));
    assert_eq!(spec.head.as_ref().map(|head| head.classes.value), Some(10));
}

#[test]
fn a_network_in_a_file() {
    let input = input("struct A = <\"specs/a.yaml\">, crate = runtime, weights = r\"w.safetensors\"");
    assert!(input.vis.is_empty() && input.attrs.is_empty());
    assert!(matches!(input.source, MacroSource::File { path, .. } if path == "specs/a.yaml"));
    assert_eq!(input.weights.map(|(path, _)| path).as_deref(), Some("w.safetensors"));
    assert_eq!(input.crate_path.map(|path| path.to_string()).as_deref(), Some("runtime"));
}

#[test]
fn a_schedule_and_its_section() {
    let input = input("struct A = <\"a.yaml\">, cpu = \"zen\", threaded = true, schedule = \"a.schedule.yaml\"");
    assert_eq!(input.schedule.map(|(path, _)| path).as_deref(), Some("a.schedule.yaml"));
    assert_eq!(input.cpu.map(|(section, _)| section).as_deref(), Some("zen"));
    assert!(input.threaded);
    for twice in ["schedule = \"b\", schedule = \"c\"", "cpu = \"b\", cpu = \"c\"", "schedule = b", "cpu ="] {
        parse_tokens(stream(&format!("struct A = <\"a.yaml\">, {twice}"))).expect_err(twice);
    }
}

#[test]
fn shapes_and_names_in_any_spelling() {
    for shape in ["32x48x3, 10", "32 x 48 x 3, 10", "32 x48 x3,10", "32x 48 x 3 , 1_0"] {
        let spec = spec(&format!("struct Net<{shape}> {{ name my_net; {BODY} }}"));
        let input = spec.input.value;
        assert_eq!((input.height, input.width, input.channels), (32, 48, 3), "{shape}");
        assert_eq!(spec.name.value, "my_net");
    }
}

#[test]
fn long_words_say_the_same_as_short_ones() {
    let short = spec(&format!("struct Net<32 x 32 x 3, 10> {{ {BODY} sepconv k3 c8 noskip; head c64; }}"));
    let long = spec(
        "struct Net<32 x 32 x 3> { stem conv kernel 3 stride 2 filters 8; \
         mbconv expand 2.5 kernel 3 filters 16 layers 2 se 0.25; sepconv kernel 3, filters 8, skip none; \
         head filters 64 classes 10; }",
    );
    assert_eq!(short, long);
    let yaml = "name: net\ninput: 32x32x3\nstem: {op: conv, kernel: 3, stride: 2, filters: 8}\nblocks:\n  \
                - {op: mbconv, expand: 2.5, kernel: 3, filters: 16, layers: 2, se: 0.25}\n  \
                - {op: sepconv, kernel: 3, filters: 8, skip: none}\nhead: {filters: 64, classes: 10}\n";
    assert_eq!(parse_yaml(yaml, "net.yaml").ok(), Some(short));
}

/// `macro_rules` hands literals on in invisible groups.
#[test]
fn invisible_groups_are_looked_through() {
    fn wrap(stream: TokenStream) -> TokenStream {
        stream
            .into_iter()
            .map(|tree| match tree {
                TokenTree::Literal(_) => TokenTree::from(Group::new(Delimiter::None, tree.into())),
                TokenTree::Group(group) => Group::new(group.delimiter(), wrap(group.stream())).into(),
                tree => tree,
            })
            .collect()
    }
    let text = format!("struct Net<32 x 32 x 3, 10> {{ batch_norm eps 1e-4; {BODY} }}, weights = \"w\"");
    let wrapped = parse_tokens(wrap(stream(&text))).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let MacroSource::Inline(wrapped_spec) = wrapped.source else { panic!("not inline") };
    assert_eq!(*wrapped_spec, spec(&text));
    assert_eq!(wrapped.weights.map(|(path, _)| path).as_deref(), Some("w"));
}

#[test]
fn mistakes_become_compile_errors_on_their_tokens() {
    let tokens = stream("struct Net<32 x 32 x 3, 10> {\n  stem conv k3 c8;\n  sepconv k4 c0;\n}");
    let mistakes = parse_tokens(tokens.clone()).err().unwrap_or_default();
    let places: Vec<_> = mistakes
        .iter()
        .filter_map(|it| it.token_span(&tokens))
        .map(|(first, _)| (first.start().line, first.start().column))
        .collect();
    assert_eq!(places, [(3, 10), (3, 13)]);
    let errors = mistakes.to_compile_errors(&tokens).to_string().replace(' ', "");
    assert_eq!(errors.matches("::core::compile_error!{").count(), 2, "{errors}");
}
