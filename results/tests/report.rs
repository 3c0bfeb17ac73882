//! The pictures and the page: well-formed, complete, self-contained, and safe against what they are made of.
#![cfg(feature = "report")]

#[path = "report/made.rs"]
mod made;
#[path = "report/page.rs"]
mod page;
#[path = "report/pictures.rs"]
mod pictures;
#[path = "report/xml.rs"]
mod xml;
