(() => {
	const form = document.querySelector("form"), unsent = document.getElementById("unsent"), sent = document.getElementById("sent");
	if (!form || !unsent || !sent) return;
	form.addEventListener("submit", event => {
		if (!sent.hidden) {
			event.preventDefault();
			return;
		}
		const heading = document.querySelector("h1"), title = sent.dataset.title;
		document.title = document.title.replace(heading.textContent, () => title);
		heading.textContent = title;
		unsent.hidden = true;
		sent.hidden = false;
		sent.focus();
	});
})();
