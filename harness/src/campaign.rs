//! Campaigns: many cases from one file, unattended, and what they come to together.
//!
//! ```text
//! file -> cases -> a `squall test` each -> an outcome each -> summary -> outputs and exit status
//! ```
//!
//! The state is a folder, and nothing else: a case is done when its outcome file was renamed into place. So a campaign that was
//! killed is resumed by reading its folder, and shards are merged by reading several. Everything between the outcomes and the
//! outputs is pure.

pub mod case;
pub mod expand;
pub mod file;
pub mod fingerprint;
pub mod folder;
mod many;
pub mod measures;
pub mod outcome;
pub mod outputs;
pub mod precedence;
mod process;
pub mod runner;
pub mod summary;

pub use case::Case;
pub use file::{CampaignError, CampaignFile};
pub use folder::CampaignFolder;
pub use outcome::CaseOutcome;
pub use summary::Summary;
