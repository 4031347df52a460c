//! A searcher that was added: it is found by name, and goes on from a saved state.

use mnas_search::searcher::{AnySearcher, Searcher as _};

#[test]
fn an_added_searcher_continues_from_its_saved_state() {
    let sizes = [2, 3];
    let mut searcher = AnySearcher::by_name("sweep", &sizes, 1).unwrap();
    let asked: Vec<Vec<usize>> = (0..4).map(|_| searcher.ask()).collect();
    assert_eq!(asked, [[0, 0], [0, 1], [0, 2], [1, 0]]);
    let saved = searcher.save().unwrap();
    let mut restored = AnySearcher::restore(&saved, None, "sweep", &sizes).unwrap();
    assert_eq!(restored.ask(), [1, 1]);
    // A state for another space is refused.
    assert!(AnySearcher::restore(&saved, None, "sweep", &[2, 2]).is_err());
}
