//! The README names what there is.

use squall_results::models;

#[test]
fn every_model_has_its_row() {
    let readme = include_str!("../README.md");
    let rows: Vec<String> = models::ALL.iter().map(|model| format!("| `{}` | {} |", model.name, model.about)).collect();
    let named = readme.split_once("\n## Models\n").and_then(|(_, rest)| rest.split_once("\n## ")).map(|(part, _)| part);
    let table: Vec<&str> = named.into_iter().flat_map(str::lines).filter(|line| line.starts_with("| `")).collect();
    assert_eq!(table, rows, "the table of models in results/README.md");
}
