//! mnas-macros
