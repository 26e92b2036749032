"use strict";
(async () => {
  const place = document.querySelector("#graph");
  if (!place) return;
  const data = await (await fetch(`/graph.json?type=${encodeURIComponent(place.dataset.type)}`)).json();
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const ink = dark ? "#e9ebee" : "#14171c", line = dark ? "#55606c" : "#b9c0c9", ground = dark ? "#191d22" : "#ffffff";
  const cover = (node) => (node.data("cover") == null ? "none" : `/patch/${node.data("cover")}?v=${place.dataset.version}`);
  const words = { "font-size": 13, "font-family": "system-ui, sans-serif", color: ink, "text-background-color": ground, "text-background-opacity": 0.85, "text-background-padding": 2 };
  const graph = cytoscape({
    container: place,
    elements: [...data.nodes, ...data.edges].map((one) => ({ data: one })),
    minZoom: 0.2, maxZoom: 3,
    style: [
      { selector: "node", style: { label: "data(label)", ...words } },
      { selector: "node[kind='type']", style: { shape: "round-rectangle", width: (node) => node.data("label").length * 8.5 + 20, height: 40, "background-color": "#0a5f73", color: "#fff", "text-background-opacity": 0, "text-valign": "center", "font-weight": 600, "font-size": 15 } },
      { selector: "node[kind='role']", style: { shape: "diamond", width: 26, height: 26, "background-color": "#0a5f73", "text-valign": "bottom", "text-margin-y": 4, "font-weight": 600 } },
      { selector: "node[kind='pattern']", style: { shape: "round-rectangle", width: 64, height: 64, "background-color": "#808080", "background-image": cover, "background-fit": "cover", "border-width": 4, "border-color": "#8a8f98", "text-valign": "bottom", "text-margin-y": 5 } },
      { selector: "node[status='accepted']", style: { "border-color": dark ? "#6fce93" : "#1c6b3a" } },
      { selector: "node[kind='word']", style: { shape: "ellipse", width: 12, height: 12, "background-color": "#d8a31a", "text-valign": "bottom", "text-margin-y": 2, "font-size": 12 } },
      { selector: "edge", style: { width: 1.5, "line-color": line, "curve-style": "straight" } },
      { selector: "edge[kind='fills']", style: { width: 2.5, "line-color": "#0a5f73" } },
      { selector: "edge[kind='says']", style: { "line-style": "dashed", "line-color": "#d8a31a" } },
      { selector: "edge[kind='of']", style: { "line-style": "dotted" } },
    ],
    layout: { name: "cose", animate: false, randomize: false, padding: 40, nodeRepulsion: () => 60000, idealEdgeLength: () => 90, nodeOverlap: 30, componentSpacing: 80 },
  });
  graph.on("tap", "node[kind='pattern']", (event) => { location.href = `/queue?status=all&p=${encodeURIComponent(event.target.data("pattern"))}`; });
  place.dataset.drawn = String(graph.nodes().length);
})();
