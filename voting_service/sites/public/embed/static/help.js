// Says in the browser's console what is wrong with a <public-vote>. vote.js fetches this only then.

const HOME = new URL(import.meta.url).origin;
const said = new Set();

function say(sentence, level = "error") {
  const line = `<public-vote>: ${sentence}. ${HOME}/en/platforms#embed`;
  if (said.has(line)) return; // a failure is met again at every try
  said.add(line);
  console[level](line);
}

// Says what the attributes lack.
export function check(vote, views) {
  const [contest, view, number, platform] = ["contest", "view", "number", "platform"]
    .map((name) => vote.getAttribute(name) || "");
  const mistakes = [
    !contest && "contest is missing",
    view && !views.includes(view) && `view="${view}" is none of ${views.join(", ")}`,
    view === "candidate" && !parseInt(number) && "view=candidate needs number",
    vote.hasAttribute("frame") && !platform && "frame needs platform, the slug you registered",
  ];
  mistakes.filter(Boolean).forEach((mistake) => say(mistake));
  // Only a warning: a page may take the choices itself.
  if (location.origin !== HOME && !vote.getAttribute("sign-in-url"))
    say("sign-in-url is missing: its links open the voting site, where your reader is not signed in", "warn");
}

// Says why there is no page for a frame that has told nothing.
export async function silent(vote, frame) {
  const platform = vote.getAttribute("platform");
  if (!platform) return; // check() says so
  const answer = await fetch(frame.src, { headers: { "accept-language": "en" } }).catch(() => null);
  if (!answer) await explain(vote);
  else if (answer.status === 404) {
    const { detail } = await answer.json();
    say(`frame of the platform ${platform}: ${detail.replace(/\.$/, "")}`);
  }
}

// Says why the data could not be read; returns whether this page may not read any.
export async function explain(vote, status) {
  if (status === 404) {
    const [contest, number] = [vote.getAttribute("contest"), vote.getAttribute("number")];
    if (!contest) return false; // check() says so
    const answer = await fetch(`${HOME}/api/v1/contests/${encodeURIComponent(contest)}`);
    if (answer.status === 404) say(`there is no contest ${contest}`);
    else if (number) say(`there is no candidate ${number}`);
    return false;
  }
  // Anybody may read this file, but only registered origins its entity tag.
  const answer = await fetch(import.meta.url, { cache: "no-cache" });
  const stranger = answer.ok && !answer.headers.get("etag");
  if (stranger)
    say(`the origin ${location.origin} is not registered for any platform; ask the organiser to register it`);
  return stranger;
}
