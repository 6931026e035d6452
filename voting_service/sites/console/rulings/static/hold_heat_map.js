// Says beside the picture in words what one sees; they come with its figures.

const figure = document.querySelector("figure#picture");
const words = document.querySelector("[data-picture-words]");

const say = ({ words: text }) => { words.textContent = text; };
figure.addEventListener("chart:data", ({ detail }) => say(detail));
if (figure.chart && figure.chart.data) say(figure.chart.data);
