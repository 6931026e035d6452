// Lets the officer choose the part of a picture that becomes the photo, with Cropper.js. Where that
// is missing, or the browser cannot show the picture (HEIC), the server takes the usual part.

const RATIO = 35 / 49;
const USUAL_TOP = 1 / 3;
const STEP = 0.01;
let cropper = null;

// Of what the server takes without a frame: the largest part, in the middle, towards the top.
function usual(width, height) {
  const wide = Math.min(width, height * RATIO);
  const high = wide / RATIO;
  return { x: (width - wide) / 2, y: (height - high) * USUAL_TOP, width: wide, height: high };
}

function fractions() {
  const { naturalWidth, naturalHeight } = cropper.getImageData();
  const { x, y, width, height } = cropper.getData();
  return [x / naturalWidth, y / naturalHeight, width / naturalWidth, height / naturalHeight]
    .map((part) => Math.min(1, Math.max(0, part)).toFixed(5)).join(" ");
}

function moveByKey(event) {
  const { naturalWidth } = cropper.getImageData();
  const { x, y, width } = cropper.getData();
  const step = naturalWidth * STEP;
  const changes = {
    ArrowLeft: { x: x - step }, ArrowRight: { x: x + step },
    ArrowUp: { y: y - step }, ArrowDown: { y: y + step },
    "+": { width: width + step }, "-": { width: width - step },
  };
  if (!changes[event.key]) return;
  event.preventDefault();
  cropper.setData(changes[event.key]);
}

export function choosePart(input, upload) {
  const field = input.closest(".field");
  const framing = field.querySelector(".framing");
  const picture = framing.querySelector("img");
  const frame = field.querySelector("[name=photo_frame]");
  frame.value = "";
  if (cropper) cropper.destroy();
  cropper = null;
  if (!window.Cropper) {
    upload();
    return;
  }
  framing.hidden = false;
  picture.onerror = () => {
    framing.hidden = true;
    upload();
  };
  picture.onload = () => {
    picture.onload = null;
    picture.onerror = null;
    cropper = new window.Cropper(picture, {
      aspectRatio: RATIO, viewMode: 1, autoCropArea: 1, background: false, rotatable: false,
      scalable: false, zoomable: false, checkOrientation: false, checkCrossOrigin: false,
      crop: () => {
        if (cropper) frame.value = fractions();
      },
      ready: () => {
        const { naturalWidth, naturalHeight } = cropper.getImageData();
        cropper.setData(usual(naturalWidth, naturalHeight));
        framing.focus();
      },
    });
  };
  framing.onkeydown = (event) => {
    if (cropper && event.target === framing) moveByKey(event);
  };
  framing.querySelector("button").onclick = upload;
  if (picture.src) URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(input.files[0]);
}
