//! Market makers.
