// Makes large photographs of pages smaller before they are uploaded: to A4 at 300 dots per inch, more
// than the server keeps. What the browser cannot read (PDF, HEIC in most) or turn upright is left as
// it is.

const LARGE_BYTES = 2 * 2 ** 20;
const LONGEST_SIDE = 3508;
const QUALITY = 0.9;

async function shrink(file) {
  if (!window.createImageBitmap || file.size <= LARGE_BYTES || !/^image\/(jpeg|png|webp|bmp|avif)$/.test(file.type)) {
    return file;
  }
  let picture = null;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff"; // what is see-through becomes paper
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const smaller = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", QUALITY); });
    if (!smaller || smaller.size >= file.size) return file;
    return new File([smaller], file.name, { type: "image/jpeg", lastModified: file.lastModified });
  } catch {
    return file;
  } finally {
    if (picture) picture.close();
  }
}

// One after the other: a picture of a telephone takes 50 MB while it is open.
export async function shrinkPictures(input) {
  const files = [];
  for (const file of input.files) files.push(await shrink(file));
  try {
    const list = new DataTransfer();
    for (const file of files) list.items.add(file);
    input.files = list.files;
  } catch {
    // A browser that cannot change a chosen list uploads it as it is.
  }
}
