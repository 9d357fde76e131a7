//! A catalog's text: refused with a reason, or written again as a text that says the same.
#![no_main]

use lanspread_protocol::{Catalog, CatalogSignature, OrganiserSecret, Version};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Catalog::parse(bytes) {
        Ok(catalog) => {
            let text = catalog.to_text().unwrap();
            assert_eq!(Catalog::parse(text.as_bytes()).unwrap(), catalog);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(OrganiserSecret::from_file(text));
        if let Ok(signature) = text.parse::<CatalogSignature>() {
            assert_eq!(signature.to_string().parse::<CatalogSignature>().unwrap(), signature);
        }
    }
    if let Some(version) = Version::from_sentinel(bytes) {
        assert_eq!(version.as_str().parse::<Version>().unwrap(), version);
    }
});
