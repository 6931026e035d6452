// Shows several chosen files in the order in which the server will join them, and lets the officer
// change it. Browsers that cannot change a chosen list upload it as it is.

function canReorder() {
  try {
    return Boolean(new DataTransfer().files);
  } catch {
    return false;
  }
}

function item(file, place, words, change) {
  const entry = document.createElement("li");
  entry.append(`${file.name} `);
  const button = (text, act) => {
    const pressed = document.createElement("button");
    pressed.type = "button";
    pressed.className = "plain";
    pressed.textContent = text;
    pressed.setAttribute("aria-label", `${text} ${file.name}`);
    pressed.addEventListener("click", act);
    entry.append(pressed, " ");
  };
  if (place > 0) button(words.earlier, () => change(place, place - 1));
  button(words.leaveOut, () => change(place, null));
  return entry;
}

export function orderPages(input, upload) {
  const old = input.parentNode.querySelector(".chosen-files");
  if (old) old.remove();
  if (input.files.length < 2 || !canReorder()) {
    if (input.files.length > 0) upload();
    return;
  }
  const change = (from, to) => {
    const files = [...input.files];
    const [moved] = files.splice(from, 1);
    if (to !== null) files.splice(to, 0, moved);
    const list = new DataTransfer();
    for (const file of files) list.items.add(file);
    input.files = list.files;
    show();
  };
  const shown = document.createElement("div");
  shown.className = "chosen-files";
  const heading = document.createElement("p");
  heading.textContent = input.dataset.chosen;
  const list = document.createElement("ol");
  shown.append(heading, list);
  function show() {
    list.textContent = "";
    list.append(...[...input.files].map((file, place) => item(file, place, input.dataset, change)));
  }
  show();
  input.insertAdjacentElement("afterend", shown);
}
