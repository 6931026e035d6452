// Counts the characters of a text as nomination/form/text_length.py does: one for each visible
// character; spaces, line breaks and invisible characters do not count.
//
// Intl.Segmenter is missing before Safari 14.1, Chromium 87 and Firefox 125. Without it, a pattern
// finds the clusters. It follows UAX #29 for Chinese, Latin, Tibetan, Mongolian, Arabic, Hangul,
// Thai, marks of all kinds, flags and emoji. It counts more than the server in two cases: a
// conjunct of Indic scripts, and a sign that stands before its letter (Arabic number signs). What
// counts is the server's number; this one only helps while somebody types.

const visible = /[^\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}]/u;

const joined = "[\\p{Grapheme_Extend}\\p{Emoji_Modifier}\\p{Mc}\\u200D\\u0E33\\u0EB3]*";
const picture = "(?![0-9#*])\\p{Emoji}";
const cluster = new RegExp(
  [
    "\\r\\n",
    `\\p{Regional_Indicator}{2}${joined}`,
    `${picture}(?:[\\p{Grapheme_Extend}\\p{Emoji_Modifier}]*\\u200D${picture})*${joined}`,
    "[\\u1100-\\u115F\\uA960-\\uA97C]*(?:[\\uAC00-\\uD7A3]|[\\u1160-\\u11A7\\uD7B0-\\uD7C6])"
      + `[\\u1160-\\u11A7\\uD7B0-\\uD7C6]*[\\u11A8-\\u11FF\\uD7CB-\\uD7FB]*${joined}`,
    `[^]${joined}`,
  ].join("|"),
  "gu",
);

function clusters(text) {
  if (!Intl.Segmenter) return text.match(cluster) || [];
  const segmenter = new Intl.Segmenter("zh", { granularity: "grapheme" });
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

export function countCharacters(text) {
  return clusters(text).filter((cluster) => visible.test(cluster)).length;
}
