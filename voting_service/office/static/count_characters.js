// Counts the characters (字) of a text as office/characters.py does: what is seen as one character
// is one; spaces, line breaks and what cannot be seen are free.

const clusters = new Intl.Segmenter("zh", { granularity: "grapheme" });
const seen = /[^\p{White_Space}\p{Cc}\p{Default_Ignorable_Code_Point}]/u;

export function countCharacters(text) {
  let count = 0;
  for (const { segment } of clusters.segment(text)) if (seen.test(segment)) count += 1;
  return count;
}
