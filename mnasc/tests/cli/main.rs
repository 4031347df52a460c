//! The command line as its users see it: exit codes, texts, files.

mod against;
mod browser;
mod compile;
mod failures;
mod files;
mod folder;
mod fuzz;
mod generated;
mod import;
mod int8;
mod latency;
mod measured;
mod photographs;
mod pictures;
mod pytorch;
mod quantize;
mod report;
mod search;
mod search_hardships;
mod space;
mod specs;
mod train;
mod tune;
mod view;
mod weights;
