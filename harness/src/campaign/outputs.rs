//! What a campaign shows: each output a function of its summary.

pub mod html;
pub mod junit;
pub mod markdown;
pub mod terminal;
mod words;

use super::folder::{CampaignFolder, FolderError};
use super::summary::Summary;

/// Writes all outputs into the campaign's folder.
///
/// # Errors
/// When one of them cannot be written.
pub fn write(folder: &CampaignFolder, summary: &Summary) -> Result<(), FolderError> {
    let json = serde_json::to_string_pretty(summary).unwrap_or_default();
    folder.write("summary.json", format!("{json}\n").as_bytes())?;
    folder.write("junit.xml", junit::render(summary).as_bytes())?;
    folder.write("summary.md", markdown::render(summary).as_bytes())?;
    folder.write("index.html", html::render(summary).as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests;
