//! What a transaction is to do, in `.lanspread/plan`: written durable and whole before anything relies on it.
//!
//! The intent names a plan by its hash, but for an install's, which is written while the install runs and names the
//! install by its id: a plan of another transaction is never followed.

use std::fs;
use std::io;

use lanspread_engine::transaction::Intent;
use lanspread_protocol::{Blake3Hash, Manifest};
use serde::{Deserialize, Serialize};

use super::kept::{Restored, Settlement};
use super::remove::RemovePlan;
use super::swap::SwapPlan;
use crate::disk::error::Tried as _;
use crate::disk::installed::{Record, RecordedFile};
use crate::disk::{DiskError, GameFolder, atomic};

/// The first byte of a plan: its form. The first form began with the number of its kind, which is less.
const FORM: u8 = 0x82;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Plan {
    Install(InstallPlan),
    Uninstall(UninstallPlan),
    Swap(SwapPlan),
    Remove(RemovePlan),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct InstallPlan {
    pub(crate) id: Blake3Hash,
    pub(crate) record: WholeRecord,
    /// What becomes of the old `local`.
    pub(crate) backup: Settlement,
    pub(crate) restored: Option<Restored>,
}

/// A record with its files.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WholeRecord {
    head: Record,
    files: Vec<(String, RecordedFile)>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UninstallPlan {
    pub(crate) backup: Settlement,
    /// No two uninstalls have one plan.
    pub(crate) nonce: Blake3Hash,
}

/// The plans of the first form, which had no byte before them that says the form.
#[derive(Deserialize)]
enum FirstForm {
    Install(InstallPlan),
    Uninstall(UninstallPlan),
    Swap(SwapPlan),
    Remove {
        /// Encoded.
        manifest: Option<Vec<u8>>,
    },
}

impl From<Record> for WholeRecord {
    fn from(mut record: Record) -> Self {
        let files = std::mem::take(&mut record.files).into_iter().collect();
        Self { head: record, files }
    }
}

impl WholeRecord {
    pub(crate) fn write(&self, folder: &GameFolder) -> Result<(), DiskError> {
        let files = self.files.iter().cloned().collect();
        Record { files, ..self.head.clone() }.write(folder)
    }
}

impl Plan {
    fn encode(&self) -> Result<Vec<u8>, DiskError> {
        let encoded = postcard::to_extend(self, vec![FORM]);
        encoded.map_err(io::Error::other).tried("write", "the plan".as_ref())
    }

    /// `None` if it is not whole or of a newer program.
    fn decode(folder: &GameFolder, bytes: &[u8]) -> Option<Self> {
        if let Some((&FORM, plan)) = bytes.split_first() {
            return postcard::from_bytes(plan).ok();
        }
        Some(match postcard::from_bytes::<FirstForm>(bytes).ok()? {
            FirstForm::Install(plan) => Self::Install(plan),
            FirstForm::Uninstall(plan) => Self::Uninstall(plan),
            FirstForm::Swap(plan) => Self::Swap(plan),
            FirstForm::Remove { manifest } => {
                let manifest = manifest.map(|manifest| Manifest::decode(&manifest)).transpose().ok()?;
                Self::Remove(RemovePlan::of_first_form(folder, manifest.as_ref()))
            }
        })
    }

    pub(crate) fn hash(&self) -> Result<Blake3Hash, DiskError> {
        Ok(Blake3Hash::of(&self.encode()?))
    }

    pub(crate) fn write(&self, folder: &GameFolder) -> Result<(), DiskError> {
        fs::create_dir_all(folder.state()).tried("create the folder", &folder.state())?;
        atomic::write(&folder.plan(), &self.encode()?)
    }

    /// The plan that the intent tells of; `None` if it is not there or not whole.
    pub(crate) fn read(folder: &GameFolder, intent: Intent) -> Result<Option<Self>, DiskError> {
        let path = folder.plan();
        let bytes = match fs::read(&path) {
            Err(error) if atomic::is_absent(&error) => return Ok(None),
            read => read.tried("read", &path)?,
        };
        let hash = Blake3Hash::of(&bytes);
        let plan = Self::decode(folder, &bytes);
        Ok(plan.filter(|read| match (intent, read) {
            (Intent::Install { id, .. }, Self::Install(read)) => read.id == id,
            (Intent::Uninstall { plan, .. }, Self::Uninstall(_))
            | (Intent::Swap { plan }, Self::Swap(_))
            | (Intent::Remove { plan }, Self::Remove(_)) => plan == hash,
            _ => false,
        }))
    }
}
