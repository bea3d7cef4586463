//! Reads the elements of the text form.

/// Text that is not read yet.
pub(super) struct Reader<'a>(&'a str);

/// The reason why a part cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The text ends too early.
    Cut,
    Malformed,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    pub(super) fn rest(&self) -> &'a str {
        self.0
    }

    /// Skips `expected` if it comes next, and returns true if it did.
    #[inline]
    pub(super) fn skip(&mut self, expected: &str) -> bool {
        let rest = self.0.strip_prefix(expected);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Skips `expected`.
    #[inline]
    pub(super) fn literal(&mut self, expected: &str) -> Result<(), Fault> {
        if self.skip(expected) {
            return Ok(());
        }
        Err(if expected.starts_with(self.0) { Fault::Cut } else { Fault::Malformed })
    }

    /// Reads `length` bytes.
    #[inline]
    fn bytes(&mut self, length: usize) -> Result<&'a str, Fault> {
        match self.0.split_at_checked(length) {
            Some((bytes, rest)) => {
                self.0 = rest;
                Ok(bytes)
            }
            None if self.0.len() < length => Err(Fault::Cut),
            // The length ends within a character.
            None => Err(Fault::Malformed),
        }
    }

    /// Reads `N` bytes.
    #[inline]
    pub(super) fn chunk<const N: usize>(&mut self) -> Result<&'a [u8; N], Fault> {
        self.bytes(N)?.as_bytes().first_chunk().ok_or(Fault::Cut)
    }

    /// Reads a decimal number without leading zeros, and `end` behind it.
    #[inline]
    pub(super) fn number(&mut self, end: u8) -> Result<u64, Fault> {
        /// The digits of the longest number that is read. More could overflow.
        const DIGITS: usize = 15;
        let mut number = 0;
        for (at, byte) in self.0.bytes().enumerate() {
            if byte == end && at > 0 {
                self.0 = self.0.get(at + 1..).unwrap_or_default();
                return Ok(number);
            }
            let has_leading_zero = at > 0 && number == 0;
            if !byte.is_ascii_digit() || has_leading_zero || at == DIGITS {
                return Err(Fault::Malformed);
            }
            number = number * 10 + u64::from(byte - b'0');
        }
        Err(Fault::Cut)
    }

    /// Reads `length ":" bytes`.
    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str, Fault> {
        let length = self.number(b':')?;
        self.bytes(usize::try_from(length).map_err(|_| Fault::Cut)?)
    }

    /// Reads `text LF`.
    #[inline]
    pub(super) fn text_line(&mut self) -> Result<&'a str, Fault> {
        let text = self.text()?;
        self.literal("\n")?;
        Ok(text)
    }

    /// Reads `text "=" text LF`.
    #[inline]
    pub(super) fn entry(&mut self) -> Result<(&'a str, &'a str), Fault> {
        let key = self.text()?;
        self.literal("=")?;
        Ok((key, self.text_line()?))
    }

    /// Reads `name "="`.
    pub(super) fn name(&mut self) -> Result<&'a str, Fault> {
        let letters = self.0.strip_prefix('!').unwrap_or(self.0);
        let after = letters.trim_start_matches(|character: char| character.is_ascii_lowercase());
        let (name, _) = self.0.split_at_checked(self.0.len() - after.len()).ok_or(Fault::Malformed)?;
        match after.strip_prefix('=') {
            Some(rest) if after.len() < letters.len() => {
                self.0 = rest;
                Ok(name)
            }
            None if after.is_empty() => Err(Fault::Cut),
            _ => Err(Fault::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        let read = |text: &str| Reader::new(text).number(b':');
        for (text, number) in [("0:", 0), ("7:0", 7), ("10:", 10), ("999999999999999:", 999_999_999_999_999)] {
            assert_eq!(read(text), Ok(number), "{text}");
        }
        for text in [":", "00:", "01:", "+1:", "-1:", " 1:", "1 :", "1=", "a:", "1000000000000000:"] {
            assert_eq!(read(text), Err(Fault::Malformed), "{text}");
        }
        for text in ["", "0", "12", "999999999999999"] {
            assert_eq!(read(text), Err(Fault::Cut), "{text}");
        }
    }

    #[test]
    fn a_text_counts_bytes_and_ends_between_characters() {
        let read = |text: &str| Reader::new(text).text().map(str::to_owned);
        for (text, expected) in [("0:", ""), ("2:ä", "ä"), ("3:a=\nb", "a=\n")] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(read("1:ä"), Err(Fault::Malformed));
        assert_eq!(read("3:ä"), Err(Fault::Cut));
    }

    #[test]
    fn a_name_has_small_letters() {
        let read = |text: &str| Reader::new(text).name().map(str::to_owned);
        for (text, expected) in [("a=", "a"), ("device=1:x", "device"), ("!z=", "!z")] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["=", "!=", "A=", "a1=", "a =", "!!a=", "a!=", "ä=", "\n"] {
            assert_eq!(read(text), Err(Fault::Malformed), "{text}");
        }
        for text in ["", "!", "a", "!a"] {
            assert_eq!(read(text), Err(Fault::Cut), "{text}");
        }
    }
}
