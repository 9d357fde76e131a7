use crate::api::*;
use crate::disk::*;
pub fn publish(
    _g: &GamesFolder,
    _r: &PublishRequest,
    _c: &Cancel,
    _p: &Progress,
) -> Result<Published, DiskError> {
    Err(DiskError::Cancelled)
}
