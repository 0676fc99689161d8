(() => {
	const link = document.getElementById("go"), hash = location.hash;
	if (hash.length > 1 && 2000 >= hash.length) link.href += (link.search ? "&" : "?") + "fragment=" + encodeURIComponent(hash.slice(1));
	location.replace(link.href);
})();
