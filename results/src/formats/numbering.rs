//! squall's values and keys are whole numbers. What is something else in a foreign history gets a number of its own: a
//! one-to-one renaming, so that what is equal stays equal and what differs stays different.

use super::datum::{Datum, shown};
use rustc_hash::{FxHashMap, FxHashSet};

/// How many names a note tells.
const NOTED_MAX: usize = 4;

/// Numbers for what is no number.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    numbers: FxHashMap<Datum, i64>,
    /// What was renamed to each number, where somebody will ask.
    names: Option<FxHashMap<i64, Datum>>,
    /// The numbers that were given away.
    taken: FxHashSet<i64>,
    /// The greatest number that was used, given away or not.
    greatest: i64,
    /// Whether a number stood for itself.
    any_plain: bool,
    /// Names that somebody told by their bare word, before it was known how the history writes them.
    declared: FxHashMap<String, i64>,
    /// How many were renamed to something else than they spell, and the first of them, for people.
    renamed: usize,
    noted: Vec<String>,
}

impl Numbering {
    /// With `keeps_names`, [`Numbering::name`] knows them.
    pub(super) fn new(keeps_names: bool) -> Numbering {
        Numbering { names: keeps_names.then(FxHashMap::default), ..Numbering::default() }
    }

    /// What was renamed to `number`; `None`: nothing, it stands for itself.
    pub(super) fn name(&self, number: i64) -> Option<&Datum> {
        self.names.as_ref()?.get(&number)
    }

    /// The number of `datum`: a whole number that is not negative where `natural` stands for itself, unless its place was
    /// given away before. `None`: there are no numbers left.
    pub(super) fn number(&mut self, datum: &Datum, natural: bool) -> Option<i64> {
        let own = datum.int().filter(|int| !natural || *int >= 0);
        if let Some(own) = own.filter(|_| !self.declared.is_empty()) {
            // The number that somebody typed is this one, not a text that spells it.
            self.declared.remove(&own.to_string());
        }
        if let Some(own) = own.filter(|own| !self.taken.contains(own)) {
            self.greatest = self.greatest.max(own);
            self.any_plain = true;
            return Some(own);
        }
        if let Some(number) = self.numbers.get(datum) {
            return Some(*number);
        }
        let declared = datum.word().and_then(|word| self.declared.remove(word));
        let number = declared.or_else(|| self.spelled(datum)).or_else(|| self.fresh())?;
        self.give(datum, number);
        Some(number)
    }

    /// The number that the name `word` will have, however the history writes it.
    pub(super) fn declare(&mut self, word: &str) -> Option<i64> {
        if let Some(number) = self.declared.get(word) {
            return Some(*number);
        }
        let number = self.another()?;
        self.declared.insert(word.to_owned(), number);
        Some(number)
    }

    /// As [`Numbering::declare`], of a number: it may be one in the history too, or a text that spells it.
    pub(super) fn declare_number(&mut self, number: i64, natural: bool) -> Option<i64> {
        let own = self.number(&Datum::Int(number), natural)?;
        self.declared.insert(number.to_string(), own);
        Some(own)
    }

    /// The declared names that did not occur.
    pub(super) fn unclaimed(&self) -> impl Iterator<Item = &String> {
        self.declared.keys()
    }

    /// A number that nothing has or will have.
    pub(super) fn another(&mut self) -> Option<i64> {
        let number = self.fresh()?;
        self.greatest = number;
        self.taken.insert(number);
        Some(number)
    }

    /// The number that a text like "7" spells, as long as no number stands for itself: keys of JSON are texts.
    fn spelled(&self, datum: &Datum) -> Option<i64> {
        let Datum::Text(text) = datum else { return None };
        let number: i64 = text.parse().ok()?;
        let is_plain = !self.any_plain && number >= 0 && number.to_string() == **text;
        (is_plain && !self.taken.contains(&number)).then_some(number)
    }

    /// Beyond everything that was used, so that no number that stood for itself is given away.
    fn fresh(&self) -> Option<i64> {
        self.greatest.checked_add(1)
    }

    fn give(&mut self, datum: &Datum, number: i64) {
        if number.to_string() != datum.word().unwrap_or_default() {
            self.renamed += 1;
            if self.noted.len() < NOTED_MAX {
                self.noted.push(format!("{} is {number}", shown(datum)));
            }
        }
        self.greatest = self.greatest.max(number);
        self.taken.insert(number);
        self.numbers.insert(datum.clone(), number);
        if let Some(names) = &mut self.names {
            names.insert(number, datum.clone());
        }
    }

    /// What was renamed, for people; `None`: nothing.
    pub(super) fn note(&self, what: &str) -> Option<String> {
        let more = if self.renamed > self.noted.len() { ", ..." } else { "" };
        let told = self.noted.join(", ");
        let why = format!("{what} that are no whole numbers are numbered: {told}{more}");
        (!self.noted.is_empty()).then_some(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::edn::parse;

    fn check(texts: &str, expected: &[i64], note: Option<&str>) {
        let Some(Datum::Seq(items)) = parse(texts) else { panic!("{texts}") };
        let mut numbering = Numbering::default();
        let found: Vec<i64> = items.iter().map(|item| numbering.number(item, false).unwrap()).collect();
        assert_eq!((found.as_slice(), numbering.note("values").as_deref()), (expected, note), "{texts}");
    }

    #[test]
    fn what_is_equal_stays_equal_and_what_differs_stays_different() {
        check("[3 -1 3]", &[3, -1, 3], None);
        check("[:a :b :a]", &[1, 2, 1], Some("values that are no whole numbers are numbered: :a is 1, :b is 2"));
        check(
            "[7 :a 8 :b 8 :a 7]",
            &[7, 8, 9, 10, 9, 8, 7],
            Some("values that are no whole numbers are numbered: :a is 8, 8 is 9, :b is 10"),
        );
        check("[\"0\" \"5\" \"0\"]", &[0, 5, 0], None);
        check("[0 \"0\" 0]", &[0, 1, 0], Some("values that are no whole numbers are numbered: \"0\" is 1"));
        check("[\"0\" 0 \"0\"]", &[0, 1, 0], Some("values that are no whole numbers are numbered: 0 is 1"));
        check(
            "[:a \"1\" 1]",
            &[1, 2, 3],
            Some("values that are no whole numbers are numbered: :a is 1, \"1\" is 2, 1 is 3"),
        );
    }

    #[test]
    fn declared_names_are_found_however_they_are_written() {
        let mut numbering = Numbering::default();
        let (x, y) = (numbering.declare("x"), numbering.declare("y"));
        assert_eq!(numbering.declare("x"), x);
        assert_ne!(x, y);
        assert_eq!(numbering.number(&parse(":y").unwrap(), true), y);
        assert_eq!(numbering.number(&parse("\"x\"").unwrap(), true), x);
        // The name was claimed by the text; the keyword is another.
        assert!(![x, y].contains(&numbering.number(&parse(":x").unwrap(), true)));
    }

    #[test]
    fn numbers_may_run_out() {
        let mut numbering = Numbering::default();
        assert_eq!(numbering.number(&Datum::Int(i64::MAX), false), Some(i64::MAX));
        assert_eq!(numbering.number(&parse(":a").unwrap(), false), None);
    }
}
