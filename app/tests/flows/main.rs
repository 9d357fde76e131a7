//! The screens of what flows between PCs, downloads and party, by what people see of them.

mod downloads;
mod harness;
mod party;
