// Polls the progress of rendering, and reloads the page when a document gets further.

const POLL_EVERY_MS = 1500;
const working = document.querySelector("[data-working]");

const poll = async (before) => {
  let now = before;
  try {
    const response = await fetch(working.dataset.working, {
      headers: { accept: "application/json", "background-refresh": "1" },
    });
    if (!response.ok) return;
    now = await response.text();
  } catch {
    // Polled again below: the connection may recover.
  }
  const isDone = now !== null && !now.includes('"working"');
  if (isDone || (before !== null && now !== before)) location.reload();
  else setTimeout(poll, POLL_EVERY_MS, now);
};

if (working) poll(null);
