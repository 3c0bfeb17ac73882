//! Whether a text is well-formed XML, and its elements: just enough of the standard for SVG without declarations.

/// An element: its name and its attributes.
#[derive(Debug, Clone)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

impl Element {
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    pub fn has_class(&self, class: &str) -> bool {
        self.attribute("class").split(' ').any(|other| other == class)
    }
}

/// All elements of `text` in order of their start, or what is wrong with it.
pub fn elements(text: &str) -> Result<Vec<Element>, String> {
    let (mut open, mut found, mut rest) = (Vec::new(), Vec::new(), text.trim_end());
    while let Some(at) = rest.find('<') {
        check_text(&rest[..at])?;
        let end = rest.find('>').ok_or_else(|| format!("a tag never ends: {:.60}", &rest[at..]))?;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let opened: Option<String> = open.pop();
            if opened.as_deref() != Some(name) {
                return Err(format!("</{name}> closes {opened:?}"));
            }
        } else {
            let (tag, closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
            let element = element(tag)?;
            if !closed {
                open.push(element.name.clone());
            }
            found.push(element);
        }
        if open.is_empty() && !rest.trim().is_empty() {
            return Err(format!("something follows the root: {rest:.60}"));
        }
    }
    if open.is_empty() { Ok(found) } else { Err(format!("never closed: {open:?}")) }
}

fn element(tag: &str) -> Result<Element, String> {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    let mut attributes: Vec<(String, String)> = Vec::new();
    while !rest.trim().is_empty() {
        let (attribute, after) = rest.split_once("=\"").ok_or_else(|| format!("attributes of <{tag}>"))?;
        let (value, after) = after.split_once('"').ok_or_else(|| format!("an open quote in <{tag}>"))?;
        check_text(value)?;
        if attributes.iter().any(|(other, _)| other == attribute.trim()) {
            return Err(format!("{attribute} twice in <{tag}>"));
        }
        attributes.push((attribute.trim().to_owned(), value.to_owned()));
        rest = after;
    }
    if name.is_empty() || !name.chars().all(|character| character.is_ascii_alphanumeric()) {
        return Err(format!("no name of an element: {name:?}"));
    }
    Ok(Element { name: name.to_owned(), attributes })
}

fn check_text(text: &str) -> Result<(), String> {
    let control = text.chars().find(|character| character.is_control() && !matches!(character, '\n' | '\t'));
    if let Some(control) = control {
        return Err(format!("control character {control:?} in {text:?}"));
    }
    if text.contains('<') {
        return Err(format!("a bare < in {text:?}"));
    }
    let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
    match text.split('&').skip(1).find(|after| !known.iter().any(|entity| after.starts_with(entity))) {
        Some(after) => Err(format!("a bare & before {after:?}")),
        None => Ok(()),
    }
}

#[test]
fn the_checker_finds_what_is_wrong() {
    assert_eq!(elements("<a b=\"1\"><c/>x &amp; y</a>\n").map(|found| found.len()), Ok(2));
    for wrong in [
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a>x & y</a>",
        "<a b=1/>",
        "<a b=\"1\" b=\"2\"/>",
        "<a>\u{1}</a>",
        "<a b=\"<\"/>",
    ] {
        assert!(elements(wrong).is_err(), "{wrong:?} passes");
    }
}
