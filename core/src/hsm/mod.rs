//! The device service: a request frame in, a response frame out, over a flash, an entropy source and a panel.

pub mod flash;
