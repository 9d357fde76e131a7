//! Links inside an archive: each becomes a copy of the file that it leads to.

use std::fs;

use lanspread_protocol::InnerPath;

use super::error::{Refusal, UnpackError};
use super::job::{Details, Job};
use crate::disk::error::Tried as _;
use crate::disk::layout::under;
use crate::disk::tree::Locator;

/// A link's target is a path; anything much longer is something else.
pub(super) const MAX_TARGET_BYTES: u64 = 4 * 1024;

/// Links that lead to links, one after the other; operating systems give up here, too.
const MAX_CHAIN: usize = 40;

/// Where a link leads.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// As the archive has it.
    text: String,
    /// `None` when it leads out.
    target: Option<InnerPath>,
}

impl Link {
    /// A symbolic link, whose target is relative to where the link lies.
    pub(super) fn symbolic(path: &InnerPath, text: String) -> Self {
        let target = resolve(path, &text);
        Self { text, target }
    }

    /// A hard link, whose target is a member's name.
    pub(super) fn hard(text: String) -> Self {
        let target = text.strip_prefix("./").unwrap_or(&text).parse().ok();
        Self { text, target }
    }
}

/// Where a relative link leads, if that is inside.
fn resolve(link: &InnerPath, text: &str) -> Option<InnerPath> {
    if text.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = link.components().collect();
    parts.pop();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    parts.join("/").parse().ok()
}

impl Job<'_> {
    /// Copies what the links lead to, when everything else is there.
    pub(super) fn copy_links(&mut self) -> Result<(), UnpackError> {
        let links = std::mem::take(&mut self.links);
        for (path, link) in &links {
            self.cancel.check()?;
            let refused = || self.refuse(path.as_str(), Refusal::Link { target: link.text.clone() });
            let mut chain = std::iter::successors(Some(link), |link| links.get(link.target.as_ref()?));
            let last = chain.by_ref().take(MAX_CHAIN).last();
            let target = last.filter(|_| chain.next().is_none()).and_then(|last| last.target.as_ref());
            let target = target.ok_or_else(refused)?;
            let from = under(self.into, target);
            let is_file = fs::symlink_metadata(&from).is_ok_and(|there| there.is_file());
            if !is_file || !Locator::new(self.into).has_plain_folders(target) {
                return Err(refused());
            }
            let mut content = fs::File::open(&from).tried("open", &from)?;
            let metadata = content.metadata().tried("look at", &from)?;
            let details = Details {
                bytes: Some(metadata.len()),
                executable: is_executable(&metadata),
                modified: metadata.modified().ok(),
            };
            self.file(path.clone(), details, &mut content)?;
        }
        Ok(())
    }
}

fn is_executable(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}
