//! Costs against published counts, and the printed forms.

use crate::common::{every_feature, other_families, shipped};
use mnas_codegen::lower::lower;
use mnas_codegen::passes;
use mnas_codegen::report::summary;

/// The network counts by formulas of its layers, the report by the nodes of the graph.
#[test]
fn costs_are_those_of_the_network() {
    for network in shipped(224).into_iter().chain(every_feature()).chain(other_families()) {
        let unfused = lower(&network);
        let mut fused = unfused.clone();
        passes::run_all(&mut fused);
        for graph in [&unfused, &fused] {
            let summary = summary(graph);
            assert_eq!(summary.name, network.name);
            assert_eq!(summary.parameters, network.parameters(), "{}", network.name);
            assert_eq!(summary.macs, network.macs(), "{}", network.name);
            for (index, layer) in network.layers.iter().enumerate() {
                let rows = graph.layer_nodes(index).map(|(node, _)| &summary.layers[node]);
                let (parameters, macs) =
                    rows.fold((0, 0), |(parameters, macs), row| (parameters + row.parameters, macs + row.macs));
                assert_eq!((parameters, macs), (layer.parameters(), layer.macs()), "{} {}", network.name, layer.name);
            }
        }
        assert_eq!(summary(&fused).weight_bytes, summary(&unfused).weight_bytes);
    }
}

#[test]
fn totals_are_the_published_ones() {
    let published = [
        ("efficientnet_b0", 5_288_548, 385_814_752),
        ("mini_xception", 56_951, 10_163_392),
        ("mobilenet_v3_large", 5_483_032, 216_589_760),
        ("resnet50", 25_557_032, 4_089_184_256),
        ("efficientnet_lite0", 4_652_008, 385_187_552),
        ("mnasnet_a1", 3_887_038, 311_579_072),
        ("mnasnet_b1", 4_383_312, 314_415_872),
        ("mnasnet_small", 2_030_264, 68_339_184),
        ("mobilenet_v1", 4_231_976, 568_740_352),
        ("mobilenet_v2", 3_504_872, 300_774_272),
    ];
    let networks = shipped(224);
    for (name, parameters, macs) in published {
        let network = networks.iter().find(|network| network.name == name).unwrap();
        let summary = summary(&lower(network));
        assert_eq!((summary.parameters, summary.macs), (parameters, macs), "{name}");
    }
}

#[test]
fn table_of_a_backbone() {
    let mut graph = lower(&every_feature()[2]);
    passes::run_all(&mut graph);
    let expected = "\
layer                 op                                        output  parameters    MACs  bytes
-------------------------------------------------------------------------------------------------
stem/conv             conv 5x5 relu6                            9x12x4         108  10,800    416
blocks.0.0/skip/pool  average pool 3x3 s2                        5x6x4           0       0      0
blocks.0.0/conv       conv 3x3 s2 hard_sigmoid + residual        5x6x4         152   4,320    592
blocks.1.0/expand     conv 1x1 hard_swish                        5x6x7          42     840    140
blocks.1.0/depthwise  depthwise 7x7 hard_swish                   5x6x7         357  10,290  1,400
blocks.1.0/se         squeeze-excite 3 hard_swish hard_sigmoid   5x6x7          52      42    208
blocks.1.0/project    conv 1x1 linear + residual                 5x6x4          36     840    128
-------------------------------------------------------------------------------------------------
backbone                                                                       747  27,132  2,884
";
    assert_eq!(summary(&graph).to_string(), expected);
}

#[test]
fn printed_graph() {
    let mut graph = lower(&every_feature()[2]);
    let unfused = graph.to_string();
    passes::run_all(&mut graph);
    let expected = "\
graph backbone: %0 input 9x12x1 -> %7
stem: block 0 -> %1
  %1 = stem/conv(%0) 9x12x4: conv 5x5 stride 1 pads 2,2,2,2 channels 1->4 weight stem.conv bn stem.conv.bn eps 0.001 relu6
blocks.0.0: block 1 -> %3
  %2 = blocks.0.0/skip/pool(%1) 5x6x4: average_pool 3x3 stride 2 pads 1,0,1,1
  %3 = blocks.0.0/conv(%1, %2) 5x6x4: conv 3x3 stride 2 pads 1,0,1,1 channels 4->4 weight blocks.0.0.conv bn blocks.0.0.conv.bn eps 0.001 hard_sigmoid + residual
blocks.1.0: block 2 -> %7
  %4 = blocks.1.0/expand(%3) 5x6x7: conv 1x1 stride 1 pads 0,0,0,0 channels 4->7 weight blocks.1.0.expand bn blocks.1.0.expand.bn eps 0.001 hard_swish
  %5 = blocks.1.0/depthwise(%4) 5x6x7: depthwise 7x7 stride 1 pads 3,3,3,3 channels 7->7 weight blocks.1.0.depthwise bn blocks.1.0.depthwise.bn eps 0.001 hard_swish
  %6 = blocks.1.0/se(%5) 5x6x7: squeeze_excite [conv 1x1 stride 1 pads 0,0,0,0 channels 7->3 weight blocks.1.0.se.reduce bias hard_swish] [conv 1x1 stride 1 pads 0,0,0,0 channels 3->7 weight blocks.1.0.se.expand bias hard_sigmoid]
  %7 = blocks.1.0/project(%6, %3) 5x6x4: conv 1x1 stride 1 pads 0,0,0,0 channels 7->4 weight blocks.1.0.project bn blocks.1.0.project.bn eps 0.001 linear + residual
";
    assert_eq!(graph.to_string(), expected);
    let nodes = lower(&every_feature()[2]).nodes.len();
    assert_eq!(unfused.lines().count(), 1 + 3 + nodes);
    assert!(unfused.contains("%2 = stem/conv/bn(%1) 9x12x4: batch_norm stem.conv.bn eps 0.001\n"), "{unfused}");
}
