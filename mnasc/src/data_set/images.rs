//! Images of a data set, each made when it is needed: what they need of memory does not grow with their number, except
//! where the data set is a file of bytes.

use super::folder::{self, Listed};
use super::{known, preprocess, resized};
use crate::error::{Error, Result};
use crate::picture;
use mnas_data::Pictures;
use mnas_dsl::Network;
use mnas_dsl::network::{Preprocess, Shape};
use std::path::{Path, PathBuf};

/// Of folders without a part for tests every fifth picture is for tests, as in training.
const EVERY: usize = 5;

/// Images as the network takes them.
pub(crate) struct Images<'n> {
    source: Source,
    shape: Shape,
    preprocess: &'n Preprocess,
    /// How many classes the labels tell apart; `None` where there are no labels.
    classes: Option<usize>,
}

enum Source {
    Bytes(Pictures, Shape),
    Files(Vec<File>),
}

/// A picture's file and its label, if it has one.
type File = (PathBuf, Option<u16>);

/// The parts of a data set.
pub(crate) struct Parts<'n> {
    /// What may be learnt from.
    pub(crate) learn: Images<'n>,
    /// What is for tests.
    pub(crate) test: Images<'n>,
    /// Whether the data set says which are for tests.
    pub(crate) is_split: bool,
}

/// Opens a data set: the kinds that are trained with, and a folder of pictures without classes.
pub(crate) fn open<'n>(from: &Path, network: &'n Network) -> Result<Parts<'n>> {
    let preprocess = preprocess(network)?;
    let images = |source: Source, classes: Option<usize>| Images { source, shape: network.input, preprocess, classes };
    if let Some(data) = known(from)? {
        let classes = Some(data.classes.len());
        let of = |pictures: Pictures| images(Source::Bytes(pictures, data.shape), classes);
        return Ok(Parts { learn: of(data.train), test: of(data.test), is_split: true });
    }
    let listing = folder::list(from)?;
    let labelled = |all: Vec<Listed>| -> Vec<_> { all.into_iter().map(|it| (it.path, Some(it.label))).collect() };
    let (learn, test, classes) = if listing.classes.is_empty() {
        let files = folder::list_flat(from)?;
        if files.is_empty() {
            return Err(folder::unknown(from, "mnasc quantize"));
        }
        (files.into_iter().map(|path| (path, None)).collect(), None, None)
    } else {
        (labelled(listing.learn), listing.test.map(labelled), Some(listing.classes.len()))
    };
    let is_split = test.is_some();
    let (learn, test) = test.map_or_else(|| split(&learn), |test| (learn.clone(), test));
    Ok(Parts { learn: images(Source::Files(learn), classes), test: images(Source::Files(test), classes), is_split })
}

/// Every fifth of each class is for tests.
fn split(all: &[File]) -> (Vec<File>, Vec<File>) {
    let (mut learn, mut test) = (Vec::new(), Vec::new());
    let (mut class, mut count) = (None, 0);
    for file in all {
        count = if class == Some(file.1) { count + 1 } else { 1 };
        class = Some(file.1);
        if count % EVERY == 0 { test.push(file.clone()) } else { learn.push(file.clone()) }
    }
    (learn, test)
}

impl Images<'_> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match &self.source {
            Source::Bytes(pictures, _) => pictures.len(),
            Source::Files(files) => files.len(),
        }
    }

    /// How many classes the labels tell apart; `None` where there are no labels.
    pub(crate) fn classes(&self) -> Option<usize> {
        self.classes
    }

    /// `count` of the images at equal distances, so that of files in the order of their classes each class has its share.
    pub(crate) fn some(&self, count: usize) -> Vec<usize> {
        let (len, count) = (self.len(), count.min(self.len()));
        (0..count).map(|at| at * len / count).collect()
    }

    /// These and others, if they are files both.
    pub(crate) fn and(self, other: Self) -> Self {
        let source = match (self.source, other.source) {
            (Source::Files(mut a), Source::Files(b)) => {
                a.extend(b);
                Source::Files(a)
            }
            (_, test) => test,
        };
        Images { source, ..other }
    }

    /// The label of an image, if it has one.
    pub(crate) fn label(&self, at: usize) -> Option<usize> {
        match &self.source {
            Source::Bytes(pictures, _) => Some(usize::from(pictures.labels[at])),
            Source::Files(files) => files[at].1.map(usize::from),
        }
    }

    /// An image, HWC, normalised.
    pub(crate) fn image(&self, at: usize) -> Result<Vec<f32>> {
        match &self.source {
            Source::Bytes(pictures, from) => {
                let bytes = &pictures.pixels[at * from.len()..][..from.len()];
                let bytes = resized(bytes, *from, self.shape, self.preprocess)?;
                Ok(picture::normalised(&bytes, self.preprocess))
            }
            Source::Files(files) => picture::read(&files[at].0, self.shape, self.preprocess),
        }
    }

    /// Fails where there are fewer images than are needed.
    pub(crate) fn at_least(self, least: usize, from: &Path, what: &str) -> Result<Self> {
        if self.len() >= least {
            return Ok(self);
        }
        Err(Error::input(format!(
            "`{}` has {} pictures {what}; at least {least} are needed",
            from.display(),
            self.len()
        )))
    }
}
