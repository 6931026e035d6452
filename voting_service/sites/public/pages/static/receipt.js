// The receipt: copy it, save it as a picture, and clear the choices that were cast.

import { save } from "./choices.js";

const receipt = document.querySelector(".receipt");
const done = receipt.querySelector(".done");
const copy = receipt.querySelector("[data-copy]");
const drawn = receipt.querySelector(".drawn");
const picture = receipt.querySelector("[data-picture]");

if (["#stored", "#again"].includes(location.hash)) {
  save(receipt.dataset.contest, []);
  const note = document.querySelector(location.hash);
  note.classList.add("shown"); // :target no longer matches once the fragment is removed
  note.focus();
  history.replaceState(null, "", location.pathname);
}

function copyBySelection(text) {
  const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
  copy.after(field);
  field.select();
  const copied = document.execCommand("copy"); // for web views and plain http, which have no clipboard API
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

// The server sends an SVG; photo albums need a PNG.
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

// Web views cannot download: there, users touch and hold the shown picture to save it.
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
