//! Power cuts and failures at any change on disk.

use super::recover::recover_by;
use super::swap::SwapPlan;
use super::swap_by;
use crate::disk::{DiskError, GameFolder};

/// From the nth change on nothing happens any more, as if the power had gone.
pub(crate) fn power_cut_at(nth: usize) -> impl FnMut() -> Result<(), DiskError> {
    let mut left = nth;
    move || {
        left = left.checked_sub(1).ok_or(DiskError::Cancelled)?;
        Ok(())
    }
}

/// Steps before a swap's intent is durable.
const BEFORE_INTENT: usize = 2;

/// A swap that ends before the nth change after its intent; whether it came to its end before that.
pub(crate) fn swap_until(folder: &GameFolder, plan: SwapPlan, changes: usize) -> bool {
    swap_by(folder, plan, &mut power_cut_at(BEFORE_INTENT + changes)).is_ok()
}

/// A recovery that ends before its nth change.
pub(crate) fn recover_until(folder: &GameFolder, changes: usize) {
    let result = recover_by(folder, &mut power_cut_at(changes));
    assert!(result.is_ok() || matches!(result, Err(DiskError::Cancelled)), "{result:?}");
}
