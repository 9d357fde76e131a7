//! Finding other peers without being told: mDNS, and what this PC's adapters say about addresses.

pub mod adapters;
pub mod mdns;
