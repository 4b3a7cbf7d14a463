//! XML as SOAP has it (Namespaces in XML 1.0): elements with their namespaces, small and strict.
//! Invariant: no document type is read, nothing is nested over 64 deep, and every name has its namespace.
//! Byte order: none.

use std::collections::BTreeMap;

/// Elements inside each other, at most.
const DEPTH_MAX: usize = 64;

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// The namespace of its name.
    pub namespace: String,
    /// Its name without a prefix.
    pub name: String,
    /// Attributes that declare no namespace, by their names as written.
    pub attributes: Vec<(String, String)>,
    /// All text directly in it.
    pub text: String,
    /// The elements directly in it.
    pub children: Vec<Self>,
    /// Namespaces in scope, by prefix.
    pub scope: BTreeMap<String, String>,
}

impl Element {
    /// The first element in it of that name.
    #[must_use]
    pub fn child<'a>(&'a self, namespace: &'a str, name: &'a str) -> Option<&'a Self> {
        self.all(namespace, name).next()
    }

    /// The elements in it of that name.
    pub fn all<'a>(&'a self, namespace: &'a str, name: &'a str) -> impl Iterator<Item = &'a Self> {
        let named = move |child: &&Self| child.namespace == namespace && child.name == name;
        self.children.iter().filter(named)
    }

    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(known, _)| known == name)?;
        Some(&found.1)
    }

    /// Namespace and name of a qualified name that stands in its text.
    #[must_use]
    pub fn resolve(&self, qualified: &str) -> Option<(String, String)> {
        let (prefix, name) = qualified.split_once(':').unwrap_or(("", qualified));
        Some((self.scope.get(prefix)?.clone(), name.to_owned()))
    }
}

/// The one element of a document.
///
/// # Errors
/// What is no XML, in words.
pub fn parse(text: &str) -> Result<Element, String> {
    let mut cursor = Cursor {
        rest: text.trim_start_matches('\u{feff}'),
    };
    cursor.between()?;
    let scope = BTreeMap::from([(String::new(), String::new())]);
    let root = cursor.element(&scope, 0)?;
    cursor.between()?;
    if cursor.rest.is_empty() {
        Ok(root)
    } else {
        Err("something follows the element".to_owned())
    }
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn eat(&mut self, start: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(start) else {
            return false;
        };
        self.rest = rest;
        true
    }

    /// What stands before `end`, which is passed over.
    fn until(&mut self, end: &str) -> Result<&'a str, String> {
        let (before, rest) = self
            .rest
            .split_once(end)
            .ok_or_else(|| format!("'{end}' is missing"))?;
        self.rest = rest;
        Ok(before)
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    /// Passes over what may stand outside of the one element.
    fn between(&mut self) -> Result<(), String> {
        loop {
            self.space();
            if self.eat("<?") {
                self.until("?>")?;
            } else if self.eat("<!--") {
                self.until("-->")?;
            } else {
                return Ok(());
            }
        }
    }

    fn name(&mut self) -> Result<&'a str, String> {
        let is_end = |c: char| c.is_whitespace() || "<>/='\"&".contains(c);
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        if name.is_empty() {
            return Err("a name is missing".to_owned());
        }
        Ok(name)
    }

    fn element(
        &mut self,
        outer: &BTreeMap<String, String>,
        depth: usize,
    ) -> Result<Element, String> {
        if depth > DEPTH_MAX {
            return Err(format!("elements are nested more than {DEPTH_MAX} deep"));
        }
        if !self.eat("<") {
            return Err("an element is missing".to_owned());
        }
        let qualified = self.name()?;
        let mut element = Element {
            scope: outer.clone(),
            ..Element::default()
        };
        let is_empty = loop {
            self.space();
            if self.eat("/>") {
                break true;
            }
            if self.eat(">") {
                break false;
            }
            let name = self.name()?;
            self.space();
            if !self.eat("=") {
                return Err(format!("attribute {name} has no value"));
            }
            self.space();
            let quote = if self.eat("'") { "'" } else { "\"" };
            if quote == "\"" && !self.eat("\"") {
                return Err(format!("the value of attribute {name} has no quotes"));
            }
            let value = unescaped(self.until(quote)?)?;
            if name == "xmlns" {
                element.scope.insert(String::new(), value);
            } else if let Some(prefix) = name.strip_prefix("xmlns:") {
                element.scope.insert(prefix.to_owned(), value);
            } else {
                element.attributes.push((name.to_owned(), value));
            }
        };
        let resolved = element.resolve(qualified);
        (element.namespace, element.name) =
            resolved.ok_or_else(|| format!("the prefix of {qualified} is not declared"))?;
        if !is_empty {
            self.inside(&mut element, qualified, depth)?;
        }
        Ok(element)
    }

    /// What stands in an element, and its end.
    fn inside(
        &mut self,
        element: &mut Element,
        qualified: &str,
        depth: usize,
    ) -> Result<(), String> {
        loop {
            if self.eat("</") {
                let found = self.name()?;
                self.space();
                if found != qualified || !self.eat(">") {
                    return Err(format!("{qualified} ends with {found}"));
                }
                return Ok(());
            }
            if self.eat("<![CDATA[") {
                element.text.push_str(self.until("]]>")?);
            } else if self.eat("<!--") {
                self.until("-->")?;
            } else if self.eat("<?") {
                self.until("?>")?;
            } else if self.rest.starts_with('<') {
                let child = self.element(&element.scope, depth + 1)?;
                element.children.push(child);
            } else {
                let end = self
                    .rest
                    .find('<')
                    .ok_or_else(|| format!("{qualified} has no end"))?;
                let (text, rest) = self.rest.split_at(end);
                self.rest = rest;
                element.text.push_str(&unescaped(text)?);
            }
        }
    }
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        plain.push_str(before);
        let (name, after) = behind
            .split_once(';')
            .ok_or_else(|| "an entity has no end".to_owned())?;
        let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok();
        let found = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => name
                .strip_prefix("#x")
                .and_then(|digits| number(digits, 16))
                .or_else(|| name.strip_prefix('#').and_then(|digits| number(digits, 10)))
                .and_then(char::from_u32),
        };
        plain.push(found.ok_or_else(|| format!("there is no entity {name}"))?);
        rest = after;
    }
    plain.push_str(rest);
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_resolved_and_text_is_unescaped() {
        let text = "<?xml version='1.0'?><!-- a --><a:b xmlns:a=\"urn:a\" c='1&amp;2'>\n x&#65;\
                    <d xmlns=\"urn:d\"/><![CDATA[<]]></a:b>\n";
        let root = parse(text).unwrap();
        assert_eq!(
            (root.namespace.as_str(), root.name.as_str()),
            ("urn:a", "b")
        );
        assert_eq!(root.attribute("c"), Some("1&2"));
        assert_eq!(root.text, "\n xA<");
        assert!(root.child("urn:d", "d").is_some());
        assert_eq!(
            root.resolve("a:z"),
            Some(("urn:a".to_owned(), "z".to_owned()))
        );
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        for text in [
            "",
            "<a>",
            "<a></b>",
            "<a b></a>",
            "<x:a/>",
            "<a>&unknown;</a>",
            "<!DOCTYPE a><a/>",
            "<a/><b/>",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let deep = "<a>".repeat(100) + &"</a>".repeat(100);
        assert!(parse(&deep).is_err());
    }
}
