"""Canvas for faces: polygons and lines with soft edges.

Lengths are in half face widths, x to the viewer's right, y down, the origin between the eyes.
"""

import numpy as np

_CIRCLE = np.array([(np.cos(angle), np.sin(angle)) for angle in np.arange(24) * np.pi / 12])


class Sketch:
    """Image on which polygons and lines are painted in the pose of a head.

    Parameters
    ----------
    height, width : int
        Size of the image (pixels).
    background : tuple
        Colour (RGB, 0 to 255).
    pose : FacePose
        Position and rotation of the head.
    """

    def __init__(self, height, width, background, pose):
        import cv2

        self._cv2 = cv2
        self.scale = 0.225 * height * pose.size
        self.centre = np.array([width / 2 + pose.x * self.scale, 0.49 * height + pose.y * self.scale])
        cos, sin = np.cos(pose.roll), np.sin(pose.roll)
        self._rotation = self.scale * np.array([[cos, sin], [-sin, cos]])
        self._turn = np.array([pose.yaw, pose.pitch])
        across, down = (np.linspace(-1, 1, size, dtype=np.float32) ** 2 for size in (width, height))
        fall = 1.07 - 0.12 * (across[None, :] + down[:, None])
        # Channels first: sums run along whole rows, three times faster than with channels last.
        self.image = fall * planes(background)

    def coordinates(self):
        """Return x and y (half face widths) of every pixel, each of shape (height, width)."""
        rows, columns = self.image.shape[1:]
        inverse = np.linalg.inv(self._rotation).astype(np.float32)
        across = np.arange(columns, dtype=np.float32)[None, :] - np.float32(self.centre[0])
        down = np.arange(rows, dtype=np.float32)[:, None] - np.float32(self.centre[1])
        return tuple(across * inverse[0, i] + down * inverse[1, i] for i in (0, 1))

    def paint(self, points, colour, *, opacity=1.0, blur=0.0, depth=0.0, width=None, inside=None):
        """Blend a colour over a polygon, or along a line.

        Parameters
        ----------
        points : array-like of shape (n_points, 2)
            Corners of the polygon, or of the line.
        colour : array-like of shape (3,) or (3, height, width)
            RGB, 0 to 255: one colour, or an image with a colour for each pixel.
        opacity : float, default=1.0
            Weight of the colour.
        blur : float, default=0.0
            Standard deviation of the Gaussian blur of the edge.
        depth : float, default=0.0
            Distance of the points from the axis of the head, to the front: they move with yaw and pitch.
        width : float, default=None
            Width of the line; None fills the polygon.
        inside : array-like of shape (n_points, 2), default=None
            A second polygon; only pixels inside it are painted.
        """
        if opacity <= 0.01:
            return
        pixels, sigma = self._pixels(points, depth), blur * self.scale
        thickness = None if width is None else max(1, round(width * self.scale))
        low, high = self._bounds(pixels, int(3 * sigma + (thickness or 0)) + 3)
        if (high <= low).any():
            return
        alpha = self._coverage(pixels, low, high, thickness)
        if sigma > 0.3:
            alpha = self._cv2.GaussianBlur(alpha, (0, 0), sigma)
        if inside is not None:
            alpha = alpha * self._coverage(self._pixels(inside, depth), low, high)
        patch = (slice(None), slice(low[1], high[1]), slice(low[0], high[0]))
        colour = colour[patch] if np.ndim(colour) == 3 else planes(colour)
        self.image[patch] += np.float32(min(opacity, 1.0)) * alpha * (colour - self.image[patch])

    def finish(self, brightness):
        """Return the image (height, width, 3) as uint8, blurred slightly as by a lens."""
        bright = np.minimum(self.image * np.float32(brightness) + np.float32(0.5), 255).astype(np.uint8)
        return self._cv2.GaussianBlur(np.ascontiguousarray(bright.transpose(1, 2, 0)), (0, 0), 0.7)

    def _pixels(self, points, depth):
        return (np.asarray(points, dtype=float) + depth * self._turn) @ self._rotation + self.centre

    def _bounds(self, pixels, pad):
        limit = np.array(self.image.shape[:0:-1])
        low = np.minimum(np.maximum(pixels.min(axis=0).astype(int) - pad, 0), limit)
        high = np.minimum(np.maximum(pixels.max(axis=0).astype(int) + pad, 0), limit)
        return low, high

    def _coverage(self, pixels, low, high, thickness=None):
        """Return the coverage, 0 to 1, of each pixel from ``low`` to ``high`` by a polygon or a line."""
        cv2 = self._cv2
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), dtype=np.uint8)
        # OpenCV takes the corners in sixteenths of a pixel (shift=4).
        corners = np.round((pixels - low) * 16).astype(np.int32)[:, None]
        if thickness is None:
            cv2.fillPoly(mask, [corners], 255, lineType=cv2.LINE_AA, shift=4)
        else:
            cv2.polylines(mask, [corners], False, 255, thickness, lineType=cv2.LINE_AA, shift=4)
        return mask * np.float32(1 / 255)


def ellipse(x, y, half_width, half_height):
    """Return 24 corners of an ellipse around (x, y)."""
    return _CIRCLE * (half_width, half_height) + (x, y)


def box(left, right, top, bottom, corner):
    """Return the corners of a box with bevelled corners."""
    return [
        *((left, top + corner), (left + corner, top), (right - corner, top), (right, top + corner)),
        *((right, bottom - corner), (right - corner, bottom), (left + corner, bottom), (left, bottom - corner)),
    ]


def planes(colour):
    """Return a colour that broadcasts over a channels-first image: shape (3, 1, 1), float32."""
    return np.asarray(colour, dtype=np.float32)[:, None, None]
