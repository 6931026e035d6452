// The receipt: copy it, save it as a picture, and let go of the choice that has been cast.

import { save } from "./choices.js";

const receipt = document.querySelector(".receipt");
const done = receipt.querySelector(".done");
const copy = receipt.querySelector("[data-copy]");
const drawn = receipt.querySelector(".drawn");
const picture = receipt.querySelector("[data-picture]");

if (["#stored", "#again"].includes(location.hash)) {
  save(receipt.dataset.contest, []);
  const note = document.querySelector(location.hash);
  note.classList.add("shown"); // what :target shows ends with the fragment
  note.focus();
  history.replaceState(null, "", location.pathname);
}

function copyBySelection(text) {
  const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
  copy.after(field);
  field.select();
  const copied = document.execCommand("copy"); // where there is no clipboard: web views, plain http
  field.remove();
  copy.focus();
  return copied;
}

copy.hidden = false;
copy.addEventListener("click", async () => {
  const text = copy.dataset.copy;
  const copied = navigator.clipboard
    ? await navigator.clipboard.writeText(text).then(() => true, () => copyBySelection(text))
    : copyBySelection(text);
  done.textContent = copied ? done.dataset.copied : done.dataset.notCopied;
});

// The server draws an SVG; albums of phones want a PNG.
async function asPng(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth * 2;
  canvas.height = image.naturalHeight * 2;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

// Where nothing can be downloaded (web views), the picture that is shown can be pressed for long.
picture.addEventListener("click", async (event) => {
  event.preventDefault();
  try {
    const address = URL.createObjectURL(await asPng(picture.href));
    Object.assign(drawn, { src: address, hidden: false });
    Object.assign(document.createElement("a"), { href: address, download: picture.dataset.picture }).click();
    done.textContent = done.dataset.saved;
  } catch {
    done.textContent = done.dataset.notSaved;
  }
});
