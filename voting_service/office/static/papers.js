// Asks how far the papers are, and loads the page anew when one got further.

const ASK_EVERY_MS = 1500;
const working = document.querySelector("[data-working]");

const ask = async (before) => {
  let now = before;
  try {
    const answer = await fetch(working.dataset.working, {
      headers: { accept: "application/json", "desk-refresh": "1" },
    });
    if (!answer.ok) return;
    now = await answer.text();
  } catch {
    // Asked again below: the connection may come back.
  }
  const isDone = now !== null && !now.includes('"working"');
  if (isDone || (before !== null && now !== before)) location.reload();
  else setTimeout(ask, ASK_EVERY_MS, now);
};

if (working) ask(null);
