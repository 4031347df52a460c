//! mnas-runtime
