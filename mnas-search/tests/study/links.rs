//! A study under several names has one search at a time.
#![cfg(unix)]

use crate::{Folder, contents, search, settings, table};
use mnas_search::search::{Search, SearchError};
use mnas_search::study::{Access, Study, StudyError, WeightExponent};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

#[test]
fn links_to_a_study_have_its_lock() {
    let folder = Folder::new("links");
    let path = folder.file("study");
    search(&path, "random", WeightExponent::Given, &[5]);
    fs::create_dir(folder.file("sub")).unwrap();
    symlink("study", folder.file("link")).unwrap();
    symlink("../link", folder.file("sub/second")).unwrap();
    let other_ways = [folder.file("link"), folder.file("sub/second"), folder.file("sub/../study")];
    let is_in_use = |path: &Path| matches!(Study::open(path, Access::Search).err(), Some(StudyError::InUse(text)) if text.contains("another process"));
    for held in other_ways.iter().chain([&path]) {
        let study = Study::open(held, Access::Search).unwrap();
        assert!(other_ways.iter().chain([&path]).all(|path| is_in_use(path)));
        drop(study);
    }
    // The control: another study has another lock.
    let _held = Study::open(&path, Access::Search).unwrap();
    search(&folder.file("other"), "random", WeightExponent::Given, &[5]);
}

#[test]
fn a_study_is_created_where_a_link_leads() {
    let folder = Folder::new("new-link");
    fs::create_dir(folder.file("sub")).unwrap();
    symlink("sub/study", folder.file("link")).unwrap();
    search(&folder.file("link"), "random", WeightExponent::Given, &[5]);
    assert!(folder.file("link").is_symlink());
    assert_eq!(contents(&folder.file("link")), contents(&folder.file("sub/study")));
}

/// The lock cannot detect that two hard links are one file: the second search to write is refused, and the study stays
/// intact.
#[test]
fn a_search_by_a_hard_link_does_no_damage() {
    let folder = Folder::new("hard-link");
    let (path, other) = (folder.file("study"), folder.file("other"));
    search(&path, "evolution", WeightExponent::Given, &[5]);
    fs::hard_link(&path, &other).unwrap();
    let table = table();
    let open = |path: &Path| Study::open(path, Access::Search).unwrap();
    let mut first = Search::resume(open(&path), None, &table, None).unwrap();
    let mut second = Search::resume(open(&other), None, &table, None).unwrap();
    first.run(8, &mut |_| ()).unwrap();
    let refused = second.run(8, &mut |_| ());
    assert!(
        matches!(&refused, Err(SearchError::Study(StudyError::InUse(text))) if text.contains("another process")),
        "{refused:?}"
    );
    drop((first, second));
    assert_eq!(Study::open(&path, Access::Read).unwrap().trials().unwrap().len(), 8);
    // It continues as if the second search had not been.
    Search::resume(open(&path), None, &table, None).unwrap().run(12, &mut |_| ()).unwrap();
    let whole = folder.file("whole");
    drop(Search::begin(&whole, &settings("evolution", &table, WeightExponent::Given), None, &table, None).unwrap());
    Search::resume(open(&whole), None, &table, None).unwrap().run(12, &mut |_| ()).unwrap();
    assert_eq!(contents(&path), contents(&whole));
}
