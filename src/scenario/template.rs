//! Text with placeholders, as commands and variables of the environment are written.

use std::fmt;

use super::word::Word;

/// Text with placeholders: `{output}`. `{{output}}` is that text itself, and so is every other brace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    Text(String),
    /// What memreel fills in.
    Placeholder(String),
    /// The value of an axis that the user names.
    Own(Word),
}

impl From<&str> for Template {
    fn from(text: &str) -> Template {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find('{') {
            plain.push_str(&rest[..at]);
            rest = &rest[at..];
            let doubled = rest.starts_with("{{");
            let name = &rest[if doubled { 2 } else { 1 }..];
            let length = name
                .bytes()
                .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
                .count();
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic());
            match (doubled, is_name) {
                (true, true) if name[length..].starts_with("}}") => {
                    plain.push_str(&rest[1..length + 3]);
                    rest = &rest[length + 4..];
                }
                (false, true) if name[length..].starts_with('}') => {
                    parts.extend((!plain.is_empty()).then(|| Part::Text(std::mem::take(&mut plain))));
                    parts.push(Part::Placeholder(name[..length].into()));
                    rest = &rest[length + 2..];
                }
                _ => {
                    plain.push('{');
                    rest = &rest[1..];
                }
            }
        }
        plain.push_str(rest);
        parts.extend((!plain.is_empty()).then_some(Part::Text(plain)));
        Template(parts)
    }
}

impl Template {
    /// What it has placeholders of.
    pub fn placeholders(&self) -> impl Iterator<Item = Placeholder<'_>> {
        self.0.iter().filter_map(|part| match part {
            Part::Placeholder(name) => Some(Placeholder::Given(name)),
            Part::Own(axis) => Some(Placeholder::Own(*axis)),
            Part::Text(_) => None,
        })
    }

    /// The text with values in the placeholders' places; `None` where one of them has none.
    pub fn filled(&self, value: &dyn Fn(Placeholder<'_>) -> Option<String>) -> Option<String> {
        let part = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Placeholder(name) => value(Placeholder::Given(name)),
            Part::Own(axis) => value(Placeholder::Own(*axis)),
        };
        self.0.iter().map(part).collect()
    }

    /// The same where names of the user's axes stand for them: they come before memreel's own placeholders.
    pub fn with_axes(self, axes: &[Word]) -> Template {
        let own = |name: &str| axes.iter().find(|axis| axis.as_str() == name);
        let part = |part: Part| match &part {
            Part::Placeholder(name) => own(name).map_or_else(|| part.clone(), |axis| Part::Own(*axis)),
            _ => part,
        };
        Template(self.0.into_iter().map(part).collect())
    }

    /// Its parts that are text as it is.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether it is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placeholder<'a> {
    /// What memreel fills in.
    Given(&'a str),
    /// The value of an axis that the user names.
    Own(Word),
}

impl fmt::Display for Placeholder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Placeholder::Given(name) => write!(f, "{{{name}}}"),
            Placeholder::Own(axis) => write!(f, "{{{axis}}}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Option<String> {
        let axes = ["own".parse().unwrap()];
        let value = |placeholder: Placeholder<'_>| match placeholder {
            Placeholder::Own(axis) => Some(format!("<{axis}>")),
            Placeholder::Given("size") => Some("64x64".into()),
            Placeholder::Given(_) => None,
        };
        Template::from(text).with_axes(&axes).filled(&value)
    }

    #[test]
    fn names_in_braces_are_filled_in_and_all_other_braces_are_text() {
        for (text, wanted) in [
            ("a{size}b{own}", "a64x64b<own>"),
            ("{{size}} {{own}}", "{size} {own}"),
            ("{ size } {} {", "{ size } {} {"),
            ("{{ {1} }} {size", "{{ {1} }} {size"),
            ("{\"size\": {size}}", "{\"size\": 64x64}"),
            ("{{{size}}}", "{{size}}"),
            ("é{size}é", "é64x64é"),
        ] {
            assert_eq!(filled(text).as_deref(), Some(wanted), "{text}");
        }
        assert_eq!(filled("{size}{unknown}"), None);
    }
}
